/* A stream that takes input: each frame comes back in capitals, and the end of the input ends it.
 *
 * The open ones are kept by sid, so that input for a stream of another kind is refused. */
#include <sys/queue.h>

#include "echo_v2.h"
#include "upper.h"

typedef struct Duplex {
    SLIST_ENTRY(Duplex) link;
    uint64_t sid;
} Duplex;

/* Calls into a plugin come on several threads, so what they share is guarded. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(, Duplex) open_ones = SLIST_HEAD_INITIALIZER(open_ones);

static Duplex *locked_find(uint64_t sid) {
    Duplex *duplex;
    SLIST_FOREACH(duplex, &open_ones, link) {
        if (duplex->sid == sid) {
            return duplex;
        }
    }
    return NULL;
}

static bool is_open(uint64_t sid) {
    pthread_mutex_lock(&lock);
    bool found = locked_find(sid) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

static bool forget(uint64_t sid) {
    pthread_mutex_lock(&lock);
    Duplex *duplex = locked_find(sid);
    if (duplex != NULL) {
        SLIST_REMOVE(&open_ones, duplex, Duplex, link);
    }
    pthread_mutex_unlock(&lock);
    free(duplex);
    return duplex != NULL;
}

NrStatus entry_duplex(uint64_t sid, NrBytes payload) {
    (void)payload;
    Duplex *duplex = malloc(sizeof(*duplex));
    if (duplex == NULL) {
        return NR_ERR;
    }
    duplex->sid = sid;
    pthread_mutex_lock(&lock);
    SLIST_INSERT_HEAD(&open_ones, duplex, link);
    pthread_mutex_unlock(&lock);
    return NR_OK; /* the frames are owed, one for each frame of input */
}

static void frame_release(void *owner_ctx, const uint8_t *ptr, uint64_t len) {
    (void)ptr, (void)len;
    free(owner_ctx);
}

/* Input is taken only if its answer is: a full output stream refuses the input in turn. */
NrStatus duplex_data(uint64_t sid, NrBytes data) {
    if (!is_open(sid)) {
        return NR_UNSUPPORTED;
    }
    uint8_t *text = malloc(data.len + 1);
    if (text == NULL) {
        return NR_ERR;
    }
    upper_copy(text, data.ptr, data.len);
    NrOwnedBytes frame = {text, data.len, text, frame_release};
    return echo_v2.host.result->send_result_owned(echo_v2.host.ctx, sid, NR_OK, frame);
}

NrStatus duplex_close(uint64_t sid) {
    if (forget(sid)) {
        nr_offer(&echo_v2.host, sid, NR_STREAM_END, nr_bytes(NULL, 0));
    }
    return NR_OK;
}

void duplex_forget_all(void) {
    Duplex *duplex;
    while ((duplex = SLIST_FIRST(&open_ones)) != NULL) {
        SLIST_REMOVE_HEAD(&open_ones, link);
        free(duplex);
    }
}
