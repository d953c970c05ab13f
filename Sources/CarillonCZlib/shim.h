// zlib: the deflate format and its gzip wrapping (RFC 1951, RFC 1952).
// Manual: https://zlib.net/manual.html
#ifndef CARILLON_CZLIB_SHIM_H
#define CARILLON_CZLIB_SHIM_H

#include <zlib.h>

#if ZLIB_VERNUM < 0x12b0
#error "Carillon needs zlib 1.2.11 or newer"
#endif

#endif
