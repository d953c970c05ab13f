// libpq: the PostgreSQL client library.
// Manual: https://www.postgresql.org/docs/15/libpq.html
#ifndef CARILLON_CLIBPQ_SHIM_H
#define CARILLON_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>

#ifndef LIBPQ_HAS_PIPELINING
#error "Carillon needs libpq 14 or newer (pipeline mode)"
#endif

// The fields of an error report are character macros, which Swift does not import.
static inline const char *carillon_pq_sqlstate(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

// ERROR, FATAL, PANIC, WARNING, … never translated, unlike PG_DIAG_SEVERITY.
static inline const char *carillon_pq_severity(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}

static inline const char *carillon_pq_primary_message(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

static inline const char *carillon_pq_constraint(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
}

// Ends a unit. "PQpipelineSync … sends a sync message and flushes the send buffer"; libpq 17 can leave the flush
// to the caller, who does it once a tick.
static inline int carillon_pq_send_sync(PGconn *connection) {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
    return PQsendPipelineSync(connection);
#else
    return PQpipelineSync(connection);
#endif
}

// PostgreSQL's text cannot hold a zero byte; memchr looks at whole words.
static inline bool carillon_contains_nul(const void *bytes, size_t count) {
    return count > 0 && memchr(bytes, 0, count) != NULL;
}

#endif
