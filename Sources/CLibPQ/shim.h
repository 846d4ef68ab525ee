#include <libpq-fe.h>
#include <sys/eventfd.h>

/* PG_DIAG_SQLSTATE is a character constant, which Swift does not import as an int. */
static inline const char *vs_sql_state(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}
