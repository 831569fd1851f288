/* fixture_state: the state of a call, in every way that a plugin may use it.
 *
 *     /offset        sets and gets the payload through the pointer at offset 112 of host_ctx,
 *                    answers it
 *     /ext           the same through nylon.state/1
 *     /get?key=K     the value that the caller gave under K; Invalid when there is none
 *     /set?key=K     sets K to the payload, without an answer: for streams and held calls
 *     /cap?bytes=N   sets a value of N bytes; Ok and its length, or Err and the host's reason
 *     /overwrite     gets "old", sets the key again to the payload, answers both:
 *                    "old|payload"
 *     /many?keys=N   sets N keys (100), gets them back, answers how many were right
 *     /thread        sets and gets from a thread, which answers
 *     /unknown       sets state for a sid that never was; answers the host's reason
 *     /ended         the same for the sid of the last call to /ended
 *     /keep          gets a value of its own and keeps the pointer, without an answer
 *     /compare       reads the kept pointer: "intact" or "changed"; then ends the kept call */
#include <pthread.h>

#include "../fixture.h"

/* What plugins that know nothing of NrHostContext do. */
static const NrHostExt *ext_by_offset(void) {
    const NrHostExt *ext = NULL;
    memcpy(&ext, (const uint8_t *)host.ctx + 112, sizeof(void *));
    return ext;
}

static NrBytes get(uint64_t sid, const char *key) {
    return host.state->get_state(host.ctx, sid, nr_str(key));
}

static NrBytes set(uint64_t sid, const char *key, NrBytes value) {
    return host.state->set_state(host.ctx, sid, nr_str(key), value);
}

static NrStatus demo(const NrHostExt *ext, uint64_t sid, NrBytes payload) {
    NrStr key = nr_str("demo");
    NrBytes refusal = ext->set_state(host.ctx, sid, key, payload);
    if (refusal.len > 0) {
        nr_answer(&host, sid, NR_ERR, refusal);
    } else {
        nr_answer(&host, sid, NR_OK, ext->get_state(host.ctx, sid, key));
    }
    return NR_OK;
}

static NrStatus by_offset(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    return demo(ext_by_offset(), sid, payload);
}

static NrStatus by_ext(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    return demo(host.state, sid, payload);
}

static NrStatus get_key(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    char key[64];
    if (nr_query_get(request->query, "key", key, sizeof(key)) < 0) {
        return NR_INVALID;
    }
    NrBytes value = get(sid, key);
    nr_answer(&host, sid, value.len > 0 ? NR_OK : NR_INVALID, value);
    return NR_OK;
}

static NrStatus set_key(uint64_t sid, const NrRequest *request, NrBytes payload) {
    char key[64];
    if (nr_query_get(request->query, "key", key, sizeof(key)) < 0) {
        return NR_INVALID;
    }
    return set(sid, key, payload).len == 0 ? NR_OK : NR_ERR;
}

static NrStatus cap(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    uint64_t bytes = query_number(request, "bytes", 0);
    void *value = calloc(1, bytes + 1);
    if (value == NULL) {
        return NR_INVALID;
    }
    NrBytes refusal = set(sid, "cap", nr_bytes(value, bytes));
    free(value);
    if (refusal.len > 0) {
        nr_answer(&host, sid, NR_ERR, refusal);
    } else {
        answer_number(sid, get(sid, "cap").len);
    }
    return NR_OK;
}

/* The value that was handed out first must not change under the plugin. */
static NrStatus overwrite(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    set(sid, "key", nr_bytes_str("old"));
    NrBytes old = get(sid, "key");
    set(sid, "key", payload);
    NrBytes now = get(sid, "key");
    char text[256];
    int len = snprintf(text, sizeof(text), "%.*s|%.*s", (int)old.len, (const char *)old.ptr,
                       (int)now.len, (const char *)now.ptr);
    nr_answer(&host, sid, NR_OK, nr_bytes(text, (uint64_t)len));
    return NR_OK;
}

static NrStatus many(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    uint64_t keys = query_number(request, "keys", 100), right = 0;
    char key[24];
    for (uint64_t i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "%" PRIu64, i);
        set(sid, key, nr_bytes_str(key));
    }
    for (uint64_t i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "%" PRIu64, i);
        NrBytes value = get(sid, key);
        right += value.len == strlen(key) && memcmp(value.ptr, key, value.len) == 0;
    }
    answer_number(sid, right);
    return NR_OK;
}

typedef struct Demo {
    uint64_t sid;
    NrBytes payload;
} Demo;

static void *thread_main(void *arg) {
    const Demo *of = arg;
    demo(host.state, of->sid, of->payload);
    return NULL;
}

/* Waits for the thread, so that none is left when the plugin is unloaded. */
static NrStatus from_thread(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    Demo of = {sid, payload};
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, &of) != 0) {
        return NR_ERR;
    }
    pthread_join(thread, NULL);
    return NR_OK;
}

static NrStatus unknown(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    nr_answer(&host, sid, NR_OK, set(UINT64_MAX, "key", payload));
    return NR_OK;
}

static NrStatus ended(uint64_t sid, const NrRequest *request, NrBytes payload) {
    static uint64_t last;
    (void)request;
    uint64_t before = last;
    last = sid;
    nr_answer(&host, sid, NR_OK, before != 0 ? set(before, "key", payload) : nr_bytes(NULL, 0));
    return NR_OK;
}

static struct {
    uint64_t sid;
    NrBytes value;
} kept;

static NrStatus keep(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    set(sid, "kept", nr_bytes_str("a value that must outlive its call"));
    kept.sid = sid;
    kept.value = get(sid, "kept");
    return NR_OK;
}

static NrStatus compare(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    if (kept.sid == 0) {
        return NR_INVALID;
    }
    NrStr value = nr_str_n((const char *)kept.value.ptr, (uint32_t)kept.value.len);
    bool intact = nr_str_is(value, "a value that must outlive its call");
    nr_answer(&host, kept.sid, NR_OK, kept.value);
    kept.sid = 0;
    nr_answer_str(&host, sid, NR_OK, intact ? "intact" : "changed");
    return NR_OK;
}

FIXTURE_EXPORT("fixture_state", {"/offset", by_offset}, {"/ext", by_ext}, {"/get", get_key},
               {"/set", set_key}, {"/cap", cap}, {"/overwrite", overwrite}, {"/many", many},
               {"/thread", from_thread}, {"/unknown", unknown}, {"/ended", ended}, {"/keep", keep},
               {"/compare", compare})
