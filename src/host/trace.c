#define _POSIX_C_SOURCE 200809L
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "error.h"
#include "inside.h"
#include "plugin.h"
#include "utf8.h"

/* How long a reader waits for calls of the plugin's threads that are under way. */
#define SETTLE_NS UINT64_C(20000000)

typedef struct nr__trace {
    uint64_t loop; /* number of its worker's thread */
    uv_mutex_t lock;
    uv_cond_t finished;

    /* Under the lock. */
    nr_trace_event_t *ring; /* NULL: off */
    size_t capacity;
    uint64_t newest;  /* number of the last event; goes on when it is switched on again */
    uint64_t before;  /* the last number before that */
    uint64_t settled; /* up to this number no reader waits for threads any more */
    int awaited;      /* `finished` is */
} nr__trace_t;

const char *nr_trace_name(nr_trace_kind_t kind) {
    static const char *const names[] = {
#define NR__TRACE_NAME(name, text) text,
        NR_TRACES(NR__TRACE_NAME)
#undef NR__TRACE_NAME
    };
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *nr_outcome_name(nr_outcome_t outcome) {
    static const char *const names[] = {
#define NR__OUTCOME_NAME(name, text) text,
        NR_OUTCOMES(NR__OUTCOME_NAME)
#undef NR__OUTCOME_NAME
    };
    return (size_t)outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "unknown";
}

/* ---- Recording --------------------------------------------------------------------------- */

static nr_trace_where_t where(const nr__trace_t *trace, const nr__image_t *image,
                              const nr_trace_event_t *event) {
    if (event->kind >= NR_TRACE_SEND_RESULT && nr__inside_of(image, event->sid) != NULL) {
        return NR_TRACE_INSIDE;
    }
    return event->thread == trace->loop ? NR_TRACE_ON_LOOP : NR_TRACE_ON_THREAD;
}

/* The place of an event; under the lock. */
static nr_trace_event_t *place(const nr__trace_t *trace, uint64_t seq) {
    return &trace->ring[seq % trace->capacity];
}

uint64_t nr__trace_note(nr__image_t *image, nr_trace_kind_t kind, uint64_t sid, NrStatus status,
                        uint64_t len, NrStr text) {
    nr_trace_event_t event = {
        .image = image->serial, .sid = sid, .len = len, .kind = kind, .status = status};
    nr__trace_t *trace;

    /* Acquires the trace that was set before. */
    if (atomic_load_explicit(&image->traced, memory_order_acquire) == 0) {
        return 0;
    }
    trace = image->trace;
    event.thread = nr__thread_number();
    event.where = where(trace, image, &event);
    nr__utf8_line(event.text, sizeof(event.text), text.ptr, text.ptr != NULL ? text.len : 0);
    uv_mutex_lock(&trace->lock);
    if (trace->ring != NULL) {
        event.seq = ++trace->newest;
        event.at_ns = uv_hrtime();
        *place(trace, event.seq) = event;
    }
    uv_mutex_unlock(&trace->lock);
    return event.seq;
}

void nr__trace_finish(nr__image_t *image, uint64_t seq, nr_outcome_t outcome, NrStatus answer) {
    nr__trace_t *trace = image->trace;

    uv_mutex_lock(&trace->lock);
    if (trace->ring != NULL && seq > trace->before && place(trace, seq)->seq == seq) {
        nr_trace_event_t *event = place(trace, seq);
        uint64_t took = uv_hrtime() - event->at_ns;

        event->took_ns = took > 0 ? took : 1;
        event->outcome = outcome;
        event->answer = answer;
    }
    if (trace->awaited) {
        uv_cond_broadcast(&trace->finished);
    }
    uv_mutex_unlock(&trace->lock);
}

/* ---- On and off -------------------------------------------------------------------------- */

static nr__trace_t *trace_new(void) {
    nr__trace_t *trace = calloc(1, sizeof *trace);

    if (trace == NULL || uv_mutex_init(&trace->lock) != 0) {
        free(trace);
        return NULL;
    }
    if (uv_cond_init(&trace->finished) != 0) {
        uv_mutex_destroy(&trace->lock);
        free(trace);
        return NULL;
    }
    trace->loop = nr__thread_number();
    return trace;
}

static void set_ring(nr__trace_t *trace, nr_trace_event_t *ring, size_t capacity) {
    nr_trace_event_t *old;

    uv_mutex_lock(&trace->lock);
    old = trace->ring;
    trace->ring = ring;
    trace->capacity = capacity;
    trace->before = trace->newest;
    uv_mutex_unlock(&trace->lock);
    free(old);
}

static void end(nr__lane_t *lane) {
    nr__trace_t *trace = lane->image->trace;

    for (; lane != NULL; lane = lane->older) {
        atomic_store_explicit(&lane->image->traced, 0, memory_order_relaxed);
    }
    if (trace != NULL) {
        set_ring(trace, NULL, 0);
    }
}

static int no_memory(nr_error_t *err) {
    return nr__fail(err, NR_E_NO_MEMORY, "no memory for a trace");
}

int nr__trace_set(nr__lane_t *lane, size_t capacity, nr_error_t *err) {
    nr__trace_t *trace = lane->image->trace;
    nr_trace_event_t *ring;

    if (capacity == 0) {
        end(lane);
        return 0;
    }
    if (capacity > NR_TRACE_MAX) {
        return nr__fail(err, NR_E_TOO_LARGE, "a trace keeps at most %u events", NR_TRACE_MAX);
    }
    trace = trace != NULL ? trace : trace_new();
    if (trace == NULL) {
        return no_memory(err);
    }
    for (nr__lane_t *each = lane; each != NULL; each = each->older) {
        if (each->image->trace == NULL) { /* else it is this one: images inherit it */
            each->image->trace = trace;
        }
    }
    ring = calloc(capacity, sizeof *ring);
    if (ring == NULL) {
        return no_memory(err);
    }
    set_ring(trace, ring, capacity);
    for (; lane != NULL; lane = lane->older) {
        /* Releases `trace`. */
        atomic_store_explicit(&lane->image->traced, 1, memory_order_release);
    }
    return 0;
}

void nr__trace_inherit(nr__image_t *image, const nr__image_t *old) {
    image->trace = old->trace;
    atomic_store_explicit(&image->traced, (unsigned)nr__traced(old), memory_order_release);
}

size_t nr__trace_capacity(const nr__image_t *image) {
    return image->trace != NULL ? image->trace->capacity : 0; /* written by the loop only */
}

int nr_plugin_trace(nr_plugin_t *plugin, size_t capacity, nr_error_t *err) {
    return nr__trace_set(plugin->lane, capacity, err);
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* The first event after this number that is still there; `*lost` more were. */
static uint64_t first_after(const nr__trace_t *trace, uint64_t after, uint64_t *lost) {
    uint64_t kept = trace->newest - trace->before;
    uint64_t first = (after > trace->before ? after : trace->before) + 1;
    uint64_t oldest = trace->newest + 1 - (kept < trace->capacity ? kept : trace->capacity);

    *lost = oldest > first ? oldest - first : 0;
    return first + *lost;
}

static int is_under_way(const nr_trace_event_t *event) {
    return event->outcome == NR_OUTCOME_UNDER_WAY && event->kind >= NR_TRACE_SEND_RESULT &&
           event->where == NR_TRACE_ON_THREAD;
}

/* Whether a thread is in one of the host's functions since an event after this number. */
static int has_threads(const nr__trace_t *trace, uint64_t after) {
    uint64_t lost;

    for (uint64_t seq = first_after(trace, after, &lost); seq <= trace->newest; seq++) {
        if (is_under_way(place(trace, seq))) {
            return 1;
        }
    }
    return 0;
}

/* Under the lock. Such a function returns at once, unless the plugin's own `release` runs in it: no
 * event is waited for twice, or looked at again. */
static void settle(nr__trace_t *trace, uint64_t after) {
    uint64_t until = uv_hrtime() + SETTLE_NS;
    uint64_t now = until - SETTLE_NS;

    after = after > trace->settled ? after : trace->settled;
    trace->awaited = 1;
    while (now < until && has_threads(trace, after)) {
        uv_cond_timedwait(&trace->finished, &trace->lock, until - now);
        now = uv_hrtime();
    }
    trace->awaited = 0;
    trace->settled = trace->newest;
}

size_t nr_plugin_events(const nr_plugin_t *plugin, uint64_t after, nr_trace_event_t *out,
                        size_t len, uint64_t *lost) {
    nr__trace_t *trace = plugin->lane->image->trace;
    size_t count = 0;
    uint64_t missing = 0;

    if (trace != NULL) {
        uv_mutex_lock(&trace->lock);
        if (trace->ring != NULL) {
            settle(trace, after);
            uint64_t seq = first_after(trace, after, &missing);
            for (; seq <= trace->newest && count < len; seq++) {
                out[count++] = *place(trace, seq);
            }
        }
        uv_mutex_unlock(&trace->lock);
    }
    if (lost != NULL) {
        *lost = missing;
    }
    return count;
}
