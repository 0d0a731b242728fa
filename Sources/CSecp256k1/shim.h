#ifndef SUBNET_CSECP256K1_SHIM_H
#define SUBNET_CSECP256K1_SHIM_H

#include <secp256k1.h>
#include <secp256k1_recovery.h>

/// The library's built-in context: enough to parse, serialise and verify, never to sign.
/// A function, because Swift 6 refuses a C global that is not declared const.
static inline const secp256k1_context *subnet_secp256k1_public_context(void) {
    return secp256k1_context_static;
}

#endif
