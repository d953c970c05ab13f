// libcurl: name resolution, connections, TLS, HTTP, and the opening of SMTP sessions.
// Manual: https://curl.se/libcurl/c/
//
// Swift can call neither variadic functions nor function-like macros: each family of options gets a typed function here.
#ifndef CARILLON_CLIBCURL_SHIM_H
#define CARILLON_CLIBCURL_SHIM_H

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <signal.h>

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>

#if LIBCURL_VERSION_NUM < 0x075500
#error "Carillon needs libcurl 7.85 or newer"
#endif

// MARK: Options of an easy handle

static inline CURLcode carillon_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode carillon_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode carillon_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode carillon_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode carillon_curl_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

// The bytes are copied by libcurl.
static inline CURLcode carillon_curl_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

static inline CURLcode carillon_curl_set_read(CURL *easy, curl_read_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_READFUNCTION, callback);
}

static inline CURLcode carillon_curl_set_write(CURL *easy, curl_write_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
}

static inline CURLcode carillon_curl_set_header(CURL *easy, curl_write_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callback);
}

static inline CURLcode carillon_curl_set_prerequest(CURL *easy, curl_prereq_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
}

static inline CURLcode carillon_curl_set_open_socket(CURL *easy, curl_opensocket_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}

// Options that a libcurl as old as the one allowed above may lack; there they do nothing.

// Without it, giving up a transfer waits for its name lookup, which may take many seconds.
static inline CURLcode carillon_curl_set_quick_exit(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
    return curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)easy;
    return CURLE_OK;
#endif
}

// MARK: Facts of an easy handle

static inline long carillon_curl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

// The connection of a CURLOPT_CONNECT_ONLY transfer, or CURL_SOCKET_BAD.
static inline curl_socket_t carillon_curl_get_socket(CURL *easy) {
    curl_socket_t value = CURL_SOCKET_BAD;
    return curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &value) == CURLE_OK ? value : CURL_SOCKET_BAD;
}

// MARK: Options of a multi handle

static inline CURLMcode carillon_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode carillon_curl_multi_set_sockets(CURLM *multi, curl_socket_callback callback, void *data) {
    CURLMcode result = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, data);
    return result == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback) : result;
}

static inline CURLMcode carillon_curl_multi_set_timer(CURLM *multi, curl_multi_timer_callback callback, void *data) {
    CURLMcode result = curl_multi_setopt(multi, CURLMOPT_TIMERDATA, data);
    return result == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback) : result;
}

// The result of a CURLMSG_DONE message; it sits in a union.
static inline CURLcode carillon_curl_message_result(const CURLMsg *message) {
    return message->data.result;
}

// MARK: Library

// Macros that Swift cannot read, and values that are an enum's in some versions and macros in others.
static inline const curl_version_info_data *carillon_curl_version(void) { return curl_version_info(CURLVERSION_NOW); }
static inline long carillon_curl_tls_1_2(void) { return CURL_SSLVERSION_TLSv1_2; }
static inline long carillon_curl_http_2_over_tls(void) { return CURL_HTTP_VERSION_2TLS; }
static inline long carillon_curl_require_tls(void) { return CURLUSESSL_ALL; }
static inline long carillon_curl_global_default(void) { return CURL_GLOBAL_DEFAULT; }
static inline curl_socket_t carillon_curl_socket_timeout(void) { return CURL_SOCKET_TIMEOUT; }
static inline curl_socket_t carillon_curl_socket_bad(void) { return CURL_SOCKET_BAD; }

// OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that is gone would end the process.
static inline void carillon_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

// MARK: Socket addresses

// Copies the network address that libcurl is about to connect to. Returns 4 or 16, or 0 for another family.
static inline int carillon_curl_address_bytes(const struct curl_sockaddr *address, unsigned char bytes[16]) {
    if (address->family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)&address->addr)->sin_addr, 4);
        return 4;
    }
    if (address->family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr, 16);
        return 16;
    }
    return 0;
}

// Opens the socket that libcurl asks for, not inherited by child processes.
static inline curl_socket_t carillon_curl_open_socket(const struct curl_sockaddr *address) {
#if defined(SOCK_CLOEXEC)
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    curl_socket_t descriptor = socket(address->family, address->socktype, address->protocol);
    if (descriptor != CURL_SOCKET_BAD) {
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
    return descriptor;
#endif
}

#endif
