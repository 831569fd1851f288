/* A stream that obeys Backpressure: it stops at the frame that was not taken, waits until the host
 * says that there is room, and offers the same frame again.
 *
 * Without an interval its first run is inside handle, on the host's thread; what does not fit then
 * is left to the worker's thread. */
#include "echo_v2.h"

/* How long to wait for nylon.writable/1 before looking without it: not every host has it. */
#define ROOM_WAIT_MS 50

typedef struct Stream {
    Job job;
    uint64_t sent, frames, interval;
    bool finished; /* the end is sent */
} Stream;

/* A stream that was cancelled still gets its end: until then the host counts it as owed. */
static void stream_free(Job *job) {
    if (!((Stream *)job)->finished) {
        nr_offer(&echo_v2.host, job->sid, NR_ERR, nr_bytes(NULL, 0));
    }
    free(job);
}

static NrStatus offer_next(Stream *stream) {
    if (stream->sent == stream->frames) {
        return nr_offer(&echo_v2.host, stream->job.sid, NR_STREAM_END, nr_bytes(NULL, 0));
    }
    char text[32];
    int len = snprintf(text, sizeof(text), "frame %llu", (unsigned long long)stream->sent + 1);
    return nr_offer(&echo_v2.host, stream->job.sid, NR_OK, nr_bytes(text, (uint64_t)len));
}

static int64_t stream_run(Job *job) {
    Stream *stream = (Stream *)job;
    for (;;) {
        NrStatus status = offer_next(stream);
        if (status == NR_BACKPRESSURE) {
            return ROOM_WAIT_MS;
        }
        if (stream->sent == stream->frames) {
            stream->finished = true;
            return JOB_DONE;
        }
        if (status != NR_OK) {
            return JOB_DONE; /* nobody reads any more */
        }
        stream->sent++;
        if (stream->interval > 0) {
            return (int64_t)stream->interval;
        }
    }
}

NrStatus entry_stream(uint64_t sid, NrBytes payload) {
    uint64_t frames = 5, interval = 0;
    if (payload.len > UINT32_MAX) {
        return NR_INVALID;
    }
    NrStr options = nr_str_n((const char *)payload.ptr, (uint32_t)payload.len);
    if (!nr_query_uint(options, "frames", &frames) ||
        !nr_query_uint(options, "interval", &interval) || interval > INT32_MAX) {
        return NR_INVALID;
    }
    Stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NR_ERR;
    }
    stream->job.sid = sid;
    stream->job.run = stream_run;
    stream->job.free = stream_free;
    stream->frames = frames;
    stream->interval = interval;
    if (interval > 0) {
        worker_post(&echo_v2.worker, &stream->job, 0);
    } else {
        worker_run(&echo_v2.worker, &stream->job);
    }
    return NR_OK;
}
