#include "CEmbeddedModel.h"

// #embed is C23; clang 19 and later take it in every C mode and only warn.
#pragma clang diagnostic ignored "-Wc23-extensions"

#if !defined(__has_embed)
#error "This compiler has no #embed. Build with the Swift 6.2 toolchain or newer (clang 19 or newer)."
#endif

static const uint8_t config[] = {
#embed "../../Models/config.json"
};

static const uint8_t weights[] = {
#embed "../../Models/model.safetensors"
};

static const uint8_t tokenizer[] = {
#embed "../../Models/tokenizer.json"
};

subnet_embedded_file subnet_embedded_config(void) {
    return (subnet_embedded_file){config, sizeof config};
}

subnet_embedded_file subnet_embedded_weights(void) {
    return (subnet_embedded_file){weights, sizeof weights};
}

subnet_embedded_file subnet_embedded_tokenizer(void) {
    return (subnet_embedded_file){tokenizer, sizeof tokenizer};
}
