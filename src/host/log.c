/*
 * Log lines come from any thread. Those that are kept are written at once, in one write, or sent to
 * the loop of the worker that captures them; that queue is bounded, and what does not fit is
 * counted and told of, so that a plugin that logs without end fills neither memory nor silence.
 */
#define _POSIX_C_SOURCE 200809L
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "trace.h"
#include "utf8.h"
#include "worker.h"

#define QUEUE_MAX 4096      /* captured lines that were not fetched */
#define LEVEL_UNSET 0xffffu /* NYLON_RING_LOG was not read yet */

static const char *const level_names[] = {"trace", "debug", "info", "warn", "error", "off"};
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

static atomic_uint lowest = LEVEL_UNSET;

/* Who captures; under `lock`. */
static struct {
    uv_once_t once;
    uv_mutex_t lock;
    nr_worker_t *worker; /* NULL: nobody */
    nr__address_t to;
    int beside; /* lines are written at once, too */
    size_t queued;
    uint64_t lost;
} capture = {.once = UV_ONCE_INIT};

/* A captured line on its way: its texts follow it. */
typedef struct line {
    nr__job_t job;
    nr__event_t event;
    int written;
    char texts[];
} line_t;

#define LINE_OF(member, pointer) ((line_t *)(void *)((char *)(pointer)-offsetof(line_t, member)))

/* ---- Levels ------------------------------------------------------------------------------ */

/* `*unknown` becomes what the environment asks for in vain. */
static uint32_t level_from_environment(const char **unknown) {
    const char *wish = getenv("NYLON_RING_LOG");
    for (uint32_t i = 0; wish != NULL && i < LEVELS; i++) {
        if (strcmp(wish, level_names[i]) == 0) {
            return i;
        }
    }
    *unknown = wish;
    return NR_LOG_INFO;
}

uint32_t nr_log_level(void) {
    unsigned level = atomic_load_explicit(&lowest, memory_order_relaxed);
    if (level == LEVEL_UNSET) {
        const char *unknown = NULL;
        uint32_t read = level_from_environment(&unknown);
        if (atomic_compare_exchange_strong_explicit(&lowest, &level, read, memory_order_relaxed,
                                                    memory_order_relaxed)) {
            level = read;
            if (unknown != NULL && *unknown != '\0') {
                fprintf(stderr,
                        "nylon-ring: NYLON_RING_LOG is '%s', which is no level: it may be trace, "
                        "debug, info, warn, error or off; taken as info\n",
                        unknown);
            }
        }
    }
    return level;
}

void nr_log_set_level(uint32_t level) {
    atomic_store_explicit(&lowest, level < LEVELS ? level : LEVELS - 1, memory_order_relaxed);
}

/* ---- Standard error ---------------------------------------------------------------------- */

/* Appends the message so that it can be told from other lines and does nothing to a terminal:
 * further lines are indented, other control characters and bytes that are not UTF-8 are spelled
 * out. */
static char *spell(char *to, const uint8_t *message, size_t len) {
    size_t at = 0;
    while (at < len) {
        size_t good = at + nr_utf8_prefix(message + at, len - at);
        for (; at < good; at++) {
            if (message[at] == '\n') {
                to += sprintf(to, "\n    ");
            } else if ((message[at] < 0x20 && message[at] != '\t') || message[at] == 0x7f) {
                to += sprintf(to, "\\x%02x", message[at]);
            } else {
                *to++ = (char)message[at];
            }
        }
        if (at < len) {
            to += sprintf(to, "\\x%02x", message[at++]);
        }
    }
    return to;
}

/* A pipe that somebody has made non-blocking, as libuv does, may be full: this waits as a blocking
 * one would. Else 0: nobody is left to be told. */
static int may_write_again(void) {
    struct pollfd end = {.fd = STDERR_FILENO, .events = POLLOUT};
    return errno == EINTR || (errno == EAGAIN && (poll(&end, 1, -1) == 1 || errno == EINTR));
}

static void write_line(const nr_log_line_t *log) {
    size_t size = strlen(log->plugin) + 5 * log->len + 64;
    char *text = malloc(size);
    if (text == NULL) {
        return;
    }
    const char *level = level_names[log->level];
    char *to = text + (log->sid == 0
                           ? sprintf(text, "[%s] %s: ", log->plugin, level)
                           : sprintf(text, "[%s] %s %" PRIu64 ": ", log->plugin, level, log->sid));
    to = spell(to, (const uint8_t *)log->message, log->len);
    *to++ = '\n';
    const char *from = text;
    while (from < to) {
        ssize_t n = write(STDERR_FILENO, from, (size_t)(to - from));
        if (n < 0 && !may_write_again()) {
            break;
        }
        from += n > 0 ? n : 0;
    }
    free(text);
}

/* ---- Capture ----------------------------------------------------------------------------- */

static void init_lock(void) {
    if (uv_mutex_init(&capture.lock) != 0) {
        abort();
    }
}

static void lock(void) {
    uv_once(&capture.once, init_lock);
    uv_mutex_lock(&capture.lock);
}

static void unlock(void) {
    uv_mutex_unlock(&capture.lock);
}

static void on_job(nr__job_t *job, nr_worker_t *worker);
static void on_event_fetched(nr__event_t *event);

static line_t *line_new(const nr_log_line_t *log) {
    size_t name_size = strlen(log->plugin) + 1;
    line_t *line = calloc(1, sizeof(*line) + name_size + log->len + 1);
    if (line == NULL) {
        return NULL;
    }
    memcpy(line->texts, log->plugin, name_size);
    memcpy(line->texts + name_size, log->message, log->len);
    line->job.run = on_job;
    line->written = capture.beside;
    line->event.free = on_event_fetched;
    line->event.event.kind = NR_EVENT_LOG;
    line->event.event.log = *log;
    line->event.event.log.plugin = line->texts;
    line->event.event.log.message = line->texts + name_size;
    return line;
}

/* Sends the line to its worker; under the lock. 0 when there is none any more. */
static int post(const nr_log_line_t *log) {
    line_t *line = line_new(log);
    if (line == NULL) {
        capture.lost++;
        return 1;
    }
    if (nr__worker_post(capture.to, &line->job) != 0) {
        free(line);
        return 0;
    }
    capture.queued++;
    return 1;
}

/* Tells how many lines were lost since that was told last; under the lock. */
static void tell_lost(void) {
    char message[128];
    nr_log_line_t log = {.level = NR_LOG_WARN, .plugin = "nylon-ring", .message = message};
    if (capture.lost == 0) {
        return;
    }
    log.len = (size_t)snprintf(
        message, sizeof(message),
        "%" PRIu64 " log lines are lost, they came faster than they were read", capture.lost);
    capture.lost = 0;
    if (capture.worker == NULL || !post(&log)) {
        write_line(&log);
    }
}

static void line_free(line_t *line) {
    lock();
    if (--capture.queued == 0) {
        tell_lost(); /* there may come no other line that could */
    }
    unlock();
    free(line);
}

static void on_event_fetched(nr__event_t *event) {
    line_free(LINE_OF(event, event));
}

static int captures(const nr_worker_t *worker) {
    lock();
    int yes = worker != NULL && capture.worker == worker;
    unlock();
    return yes;
}

static void on_job(nr__job_t *job, nr_worker_t *worker) {
    line_t *line = LINE_OF(job, job);
    if (captures(worker)) {
        nr__worker_emit(worker, &line->event);
        return;
    }
    if (!line->written) {
        write_line(&line->event.event.log);
    }
    line_free(line);
}

/* 1 when the line was captured, or counted as lost, and is not to be written. */
static int captured(const nr_log_line_t *log) {
    lock();
    int taken = capture.worker != NULL;
    if (taken && capture.queued >= QUEUE_MAX) {
        capture.lost++;
    } else if (taken) {
        tell_lost();
        taken = post(log);
    }
    taken = taken && !capture.beside;
    unlock();
    return taken;
}

void nr_worker_capture_logs(nr_worker_t *worker, nr_capture_t how) {
    lock();
    if (how != NR_CAPTURE_OFF) {
        capture.worker = worker;
        capture.to = nr__worker_address(worker);
        capture.beside = how == NR_CAPTURE_BESIDE;
    } else if (capture.worker == worker) {
        capture.worker = NULL;
    }
    unlock();
}

void nr__log_worker_closed(nr_worker_t *worker) {
    nr_worker_capture_logs(worker, NR_CAPTURE_OFF);
}

/* ---- nylon.log/1 ------------------------------------------------------------------------- */

static void deliver(const nr_log_line_t *log) {
    if (!captured(log)) {
        write_line(log);
    }
}

/* A line beyond the limit goes out with its first characters and a word about the rest. */
static void deliver_cut(nr_log_line_t log) {
    char *text = malloc(NR__LOG_LINE_MAX + 64);
    if (text == NULL) {
        return;
    }
    size_t len = nr_utf8_prefix((const uint8_t *)log.message, NR__LOG_LINE_MAX);
    len = len + 4 > NR__LOG_LINE_MAX ? len : NR__LOG_LINE_MAX; /* it was no text anyway */
    memcpy(text, log.message, len);
    int rest = snprintf(text + len, 64, "... (cut, it had %zu bytes)", log.len);
    log.message = text;
    log.len = len + (size_t)rest;
    deliver(&log);
    free(text);
}

static void take(void *host_ctx, uint64_t sid, uint32_t level, NrStr message) {
    static const char malformed[] = "(a log message with a NULL pointer and a length)";
    nr__image_t *image = nr__image_of(host_ctx);
    nr_log_line_t log = {
        .level = level <= NR_LOG_ERROR ? level : NR_LOG_ERROR,
        .sid = sid,
        .plugin = image != NULL ? image->name : "(no host_ctx)",
        .message = (const char *)message.ptr,
        .len = message.len,
    };
    if (image != NULL) {
        nr__trace_add(image, NR_TRACE_LOG, sid, log.level, message.len, message, NR_OUTCOME_DONE);
    }
    if (log.level < nr_log_level()) {
        return;
    }
    if (message.ptr == NULL) {
        log.message = malformed;
        log.len = message.len == 0 ? 0 : sizeof(malformed) - 1;
    }
    if (log.len > NR__LOG_LINE_MAX) {
        deliver_cut(log);
    } else {
        deliver(&log);
    }
}

const NrExtLog nr__host_log = {.log = take};
