/* Makes unary calls over HTTP/2 and TLS, each with a message and a credential of its own, as h2load cannot.
 *
 *     caller PORT PATH REQUESTS CONNECTIONS STREAMS COUNT RATE LATENCIES
 *
 * REQUESTS is a file: the number of credentials, and each as a length and octets; the number of requests, and each as the place of its
 * credential, a length and the message with its gRPC prefix. Numbers are uint32 of this machine. They are sent in their order,
 * from the first one again after the last.
 *
 * With RATE 0 as many calls are open as CONNECTIONS times STREAMS allows. With another one each call is due at its time, and how long
 * it took counts from then, whether it could be sent then or not: a server that stops for a moment has kept all waiting who
 * would have called meanwhile.
 *
 * LATENCIES takes the microseconds of each call as uint32. Printed is how long all took, how many were answered with OK, and the
 * octets of their messages.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 16 * 1024 };

typedef struct {
    const uint8_t *octets;
    uint32_t length;
    uint32_t credential;
} Message;

typedef struct Connection {
    int socket;
    SSL *tls;
    nghttp2_session *session;
    uint8_t output[RECORD];
    size_t waiting;
    int isWaitingToWrite;
} Connection;

typedef struct {
    Connection *connection;
    const Message *message;
    uint32_t sent;
    int isOK;
    int64_t began;
} Call;

static Message *messages, *credentials;
static uint32_t messageCount, credentialCount;
static const char *path;
static char authority[32];
static int64_t total, submitted, answered, succeeded, octets;
static int64_t interval;
static uint32_t *latencies;
static int poller;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static const uint8_t *number(const uint8_t *from, uint32_t *value) {
    memcpy(value, from, 4);
    return from + 4;
}

static void readRequests(const char *file) {
    int descriptor = open(file, O_RDONLY);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status)) fail(file);
    const uint8_t *at = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (at == MAP_FAILED) fail(file);
    at = number(at, &credentialCount);
    credentials = calloc(credentialCount, sizeof(Message));
    for (uint32_t index = 0; index < credentialCount; index++) {
        at = number(at, &credentials[index].length);
        credentials[index].octets = at;
        at += credentials[index].length;
    }
    at = number(at, &messageCount);
    messages = calloc(messageCount, sizeof(Message));
    for (uint32_t index = 0; index < messageCount; index++) {
        at = number(at, &messages[index].credential);
        at = number(at, &messages[index].length);
        messages[index].octets = at;
        at += messages[index].length;
    }
}

static ssize_t readMessage(
    nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t length, uint32_t *flags,
    nghttp2_data_source *source, void *context) {
    (void)session, (void)stream, (void)context;
    Call *call = source->ptr;
    uint32_t rest = call->message->length - call->sent;
    uint32_t part = rest < length ? rest : (uint32_t)length;
    memcpy(buffer, call->message->octets + call->sent, part);
    call->sent += part;
    if (part == rest) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return part;
}

#define FIELD(name, value, size) \
    { (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, (size), NGHTTP2_NV_FLAG_NO_COPY_NAME }

static void submit(Connection *connection, int64_t began) {
    Call *call = calloc(1, sizeof(Call));
    call->connection = connection;
    call->message = &messages[submitted++ % messageCount];
    call->began = began;
    const Message *credential = &credentials[call->message->credential];
    nghttp2_nv fields[] = {
        FIELD(":method", "POST", 4),
        FIELD(":scheme", "https", 5),
        FIELD(":authority", authority, strlen(authority)),
        FIELD(":path", path, strlen(path)),
        FIELD("content-type", "application/grpc", 16),
        FIELD("te", "trailers", 8),
        FIELD("authorization", credential->octets, credential->length),
    };
    size_t count = credential->length ? 7 : 6;
    nghttp2_data_provider provider = {.source = {.ptr = call}, .read_callback = readMessage};
    if (nghttp2_submit_request(connection->session, NULL, fields, count, &provider, call) < 0) fail("submit");
}

static int onHeader(
    nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t nameLength, const uint8_t *value,
    size_t valueLength, uint8_t flags, void *context) {
    (void)flags, (void)context;
    Call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (call && nameLength == 11 && !memcmp(name, "grpc-status", 11)) call->isOK = valueLength == 1 && *value == '0';
    return 0;
}

static int onData(
    nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t length, void *context) {
    (void)session, (void)flags, (void)stream, (void)data, (void)context;
    octets += length;
    return 0;
}

static int onClose(nghttp2_session *session, int32_t stream, uint32_t code, void *context) {
    (void)code;
    Call *call = nghttp2_session_get_stream_user_data(session, stream);
    if (!call) return 0;
    int64_t ended = now();
    latencies[answered++] = (uint32_t)((ended - call->began) / 1000);
    succeeded += call->isOK;
    free(call);
    if (!interval && submitted < total) submit(context, ended);
    return 0;
}

static void await(Connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data = {.ptr = connection}};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->socket, &event)) fail("epoll_ctl");
}

static void flush(Connection *connection) {
    for (;;) {
        while (connection->waiting < RECORD / 2) {
            const uint8_t *data;
            ssize_t length = nghttp2_session_mem_send(connection->session, &data);
            if (length < 0) fail("send");
            if (length == 0) break;
            if (connection->waiting + length > RECORD) fail("frame");
            memcpy(connection->output + connection->waiting, data, length);
            connection->waiting += length;
        }
        if (!connection->waiting) break;
        int written = SSL_write(connection->tls, connection->output, (int)connection->waiting);
        if (written <= 0) {
            if (SSL_get_error(connection->tls, written) != SSL_ERROR_WANT_WRITE) fail("SSL_write");
            if (!connection->isWaitingToWrite) await(connection, EPOLLIN | EPOLLOUT);
            connection->isWaitingToWrite = 1;
            return;
        }
        connection->waiting -= written;
        memmove(connection->output, connection->output + written, connection->waiting);
    }
    if (connection->isWaitingToWrite) await(connection, EPOLLIN);
    connection->isWaitingToWrite = 0;
}

static void receive(Connection *connection) {
    uint8_t buffer[RECORD];
    for (;;) {
        int length = SSL_read(connection->tls, buffer, sizeof buffer);
        if (length <= 0) {
            if (SSL_get_error(connection->tls, length) != SSL_ERROR_WANT_READ) fail("the server hung up");
            return;
        }
        if (nghttp2_session_mem_recv(connection->session, buffer, length) < 0) fail("receive");
    }
}

static void connectTo(Connection *connection, int port, SSL_CTX *tls, nghttp2_session_callbacks *callbacks) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->tls = SSL_new(tls);
    SSL_set_fd(connection->tls, connection->socket);
    SSL_set_tlsext_host_name(connection->tls, "localhost");
    if (SSL_connect(connection->tls) != 1) fail("SSL_connect");
    SSL_set_mode(connection->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    nghttp2_session_client_new(&connection->session, callbacks, connection);
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20};
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->socket, &event)) fail("epoll_ctl");
}

int main(int count, char **arguments) {
    if (count != 9) return 64;
    int port = atoi(arguments[1]), connectionCount = atoi(arguments[4]), streams = atoi(arguments[5]);
    path = arguments[2];
    readRequests(arguments[3]);
    total = atoll(arguments[6]);
    double rate = atof(arguments[7]);
    interval = rate > 0 ? (int64_t)(1e9 / rate) : 0;
    snprintf(authority, sizeof authority, "localhost:%d", port);
    latencies = calloc(total, sizeof(uint32_t));
    poller = epoll_create1(0);

    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(tls, (const uint8_t *)"\x02h2", 3);
    SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256");
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose);
    Connection *connections = calloc(connectionCount, sizeof(Connection));
    for (int index = 0; index < connectionCount; index++) connectTo(&connections[index], port, tls, callbacks);

    int64_t began = now();
    for (int index = 0; !interval && index < connectionCount; index++) {
        for (int stream = 0; stream < streams && submitted < total; stream++) submit(&connections[index], began);
        flush(&connections[index]);
    }
    while (answered < total) {
        int64_t due = began + submitted * interval;
        for (; interval && submitted < total && due <= now(); due += interval) {
            Connection *connection = &connections[submitted % connectionCount];
            submit(connection, due);
            flush(connection);
        }
        int64_t left = interval && submitted < total ? due - now() : 1000000000;
        struct timespec pause = {0, left < 0 ? 0 : left > 999999999 ? 999999999 : left};
        struct epoll_event events[64];
        int ready = epoll_pwait2(poller, events, 64, &pause, NULL);
        for (int index = 0; index < ready; index++) {
            Connection *connection = events[index].data.ptr;
            receive(connection);
            flush(connection);
        }
    }
    double seconds = (now() - began) / 1e9;
    FILE *file = fopen(arguments[8], "wb");
    if (!file || fwrite(latencies, sizeof(uint32_t), answered, file) != (size_t)answered) fail(arguments[8]);
    fclose(file);
    printf("%.6f %lld %lld\n", seconds, (long long)succeeded, (long long)octets);
    return 0;
}
