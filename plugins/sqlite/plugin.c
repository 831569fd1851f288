/* A database as a plugin: what the host calls. README.md beside this file tells what a caller sees.
 *
 *   plugin.c   the edge to the host: routes, cancel, writable        (this file)
 *   job.c      one call on its way; engine.c runs jobs on threads
 *   run.c      /query and /rows; exec.c is /exec
 *   files.c    which connection a job gets; conn.c is one connection, cache.c its statements
 *   body.c     the request's JSON; bind.c, value.c and row.c carry values to SQLite and back
 *
 * handle copies what it was lent, queues a job and returns: SQLite blocks, the host's loop must
 * not. The three tables at the end are all that the host sees. */
#include "engine.h"

#define BUSY_MS 5000
#define BUSY_MS_MAX 600000
#define NAME_SIZE 4096

static sq_engine_t engine; /* one per image, handed back to us as plugin_ctx */

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    sq_engine_init(ctx, nr_host_v1(host_ctx, vtable));
    nr_logf(&engine.host, 0, NR_LOG_DEBUG, "SQLite %s", sqlite3_libversion());
    if (sqlite3_threadsafe() == 0) {
        nr_logf(&engine.host, 0, NR_LOG_ERROR, "this SQLite was built without threads");
        return NR_UNSUPPORTED;
    }
    return NR_OK;
}

static void shut_down(void *ctx) {
    sq_engine_deinit(ctx);
}

/* ---- Requests ---- */

static bool find_route(NrStr path, sq_route_t *route) {
    static const struct {
        const char *path;
        sq_route_t route;
    } routes[] = {{"/query", SQ_QUERY}, {"/exec", SQ_EXEC}, {"/rows", SQ_ROWS}};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (nr_str_is(path, routes[i].path)) {
            *route = routes[i].route;
            return true;
        }
    }
    return false;
}

/* Reads ?db=FILE&busy=MS. Answers NULL, or the reason why it cannot. */
static const char *read_query(NrStr query, char *name, uint64_t *busy_ms) {
    int64_t len = nr_query_get(query, "db", name, NAME_SIZE);
    if (len <= 0) {
        return "which database? Add ?db=FILE to the path";
    }
    if (len >= NAME_SIZE || strlen(name) != (size_t)len) {
        return "db: the name is too long or holds a zero byte";
    }
    if (!nr_query_uint(query, "busy", busy_ms) || *busy_ms > BUSY_MS_MAX) {
        return "busy: give a number of milliseconds, up to 600000";
    }
    return NULL;
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    sq_engine_t *self = ctx;
    sq_route_t route;
    char name[NAME_SIZE];
    uint64_t busy_ms = BUSY_MS;
    if (!find_route(request->path, &route)) {
        nr_answer_str(&self->host, sid, NR_UNSUPPORTED,
                      "no such path: there are /query, /exec, /rows");
        return NR_OK;
    }
    const char *reason = read_query(request->query, name, &busy_ms);
    if (reason != NULL) {
        nr_answer_str(&self->host, sid, NR_INVALID, reason);
        return NR_OK;
    }
    sq_job_t *job = sq_job_new(sid, route, name, payload);
    if (job == NULL) {
        return NR_ERR;
    }
    job->limits.busy_ms = busy_ms;
    if (!sq_engine_submit(self, job)) {
        sq_job_free(job);
        return NR_ERR;
    }
    return NR_OK;
}

/* ---- What the host tells about a call ---- */

static void cancel(void *ctx, uint64_t sid) {
    sq_engine_cancel(ctx, sid);
}

static void writable(void *ctx, uint64_t sid) {
    sq_engine_writable(ctx, sid);
}

static const NrExtCancel cancel_table = {cancel};
static const NrExtWritable writable_table = {writable};

NR_PLUGIN_EXPORT_V1("sqlite", "0.1.0", &engine, init, handle, shut_down)
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table}, {NR_EXT_WRITABLE, &writable_table})
