#ifndef SUBNET_C_EMBEDDED_MODEL_H
#define SUBNET_C_EMBEDDED_MODEL_H

#include <stddef.h>
#include <stdint.h>

/// The bytes of a file that the executable carries. They live as long as the process.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} subnet_embedded_file;

/// Models/config.json.
subnet_embedded_file subnet_embedded_config(void);
/// Models/model.safetensors.
subnet_embedded_file subnet_embedded_weights(void);
/// Models/tokenizer.json.
subnet_embedded_file subnet_embedded_tokenizer(void);

#endif
