#ifndef SUBNET_CSODIUM_SHIM_H
#define SUBNET_CSODIUM_SHIM_H
#include <sodium.h>
#endif
