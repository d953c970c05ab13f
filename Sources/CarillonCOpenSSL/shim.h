// OpenSSL 3: TLS. Many of its calls are macros, which Swift cannot import; each has a
// typed inline function here and no logic of its own.
// Manual: https://docs.openssl.org/3.0/man3/
#ifndef CARILLON_COPENSSL_SHIM_H
#define CARILLON_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "Carillon needs OpenSSL 3.0 or newer"
#endif

static inline long carillon_ssl_ctx_set_min_proto_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}
static inline long carillon_ssl_ctx_set_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_mode(context, mode);
}
static inline int carillon_ssl_ctx_set_groups_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline long carillon_ssl_ctx_set_session_cache_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_session_cache_mode(context, mode);
}
static inline void carillon_ssl_ctx_set_read_ahead(SSL_CTX *context, int on) {
    SSL_CTX_set_read_ahead(context, on);
}
static inline long carillon_ssl_set_tlsext_host_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name);
}
static inline int carillon_err_get_reason(unsigned long error) {
    return ERR_GET_REASON(error);
}
static inline uint64_t carillon_ssl_op_no_renegotiation(void) { return SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t carillon_ssl_op_no_compression(void) { return SSL_OP_NO_COMPRESSION; }
static inline uint64_t carillon_ssl_op_cipher_server_preference(void) { return SSL_OP_CIPHER_SERVER_PREFERENCE; }
static inline uint64_t carillon_ssl_op_prioritize_chacha(void) { return SSL_OP_PRIORITIZE_CHACHA; }

#endif
