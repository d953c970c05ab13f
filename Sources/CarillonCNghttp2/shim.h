// libnghttp2: HTTP/2 framing, HPACK and stream state (RFC 9113, RFC 7541).
// Manual: https://nghttp2.org/documentation/
#ifndef CARILLON_CNGHTTP2_SHIM_H
#define CARILLON_CNGHTTP2_SHIM_H

#include <sys/types.h>
#include <nghttp2/nghttp2.h>

#if NGHTTP2_VERSION_NUM < 0x013400
#error "Carillon needs libnghttp2 1.52 or newer"
#endif

#endif
