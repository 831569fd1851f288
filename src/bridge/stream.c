/*
 * Streams as Lua holds them: a userdata that closes its stream when it is collected. Neither the
 * core nor the bridge keeps it alive, but for a task that waits for a frame and has it on its
 * stack.
 */
#include "stream.h"

#include "bridge.h"
#include "call.h"
#include "failure.h"
#include "plugin.h"
#include "refuse.h"
#include "suspend.h"

/* ---- Life ------------------------------------------------------------------------------- */

static nr__reader_t *check_reader(lua_State *L, nr__bridge_t *b, int index) {
    return nr__plugin_check_object(L, index, b->reader_meta, "stream expected");
}

/* What the host makes of the options of a stream whose plugin does not see Backpressure. */
static void note_limits(nr__reader_t *reader, const nr_stream_options_t *options) {
    uint64_t frames = options->max_frames ? options->max_frames : NR_STREAM_FRAMES_V1;
    reader->opened = nr__call_now();
    reader->deadline = options->deadline_ms;
    reader->max_frames = frames < 64 ? 64 : frames;
    reader->max_bytes = options->max_bytes ? options->max_bytes : NR_STREAM_BYTES_V1;
}

static void link_reader(nr__bridge_t *b, nr__reader_t *reader, nr_stream_t *stream) {
    reader->stream = stream;
    reader->next = b->readers;
    reader->previous = &b->readers;
    if (reader->next)
        reader->next->previous = &reader->next;
    b->readers = reader;
}

static void close_reader(nr__reader_t *reader) {
    if (!reader->stream)
        return;
    nr_stream_close(reader->stream);
    reader->stream = NULL;
    *reader->previous = reader->next;
    if (reader->next)
        reader->next->previous = reader->previous;
}

static int collect_reader(lua_State *L) {
    close_reader(lua_touserdata(L, 1));
    return 0;
}

void nr__stream_close_all(nr__bridge_t *b) {
    while (b->readers)
        close_reader(b->readers);
}

/* core.open_stream(handle, request, body, timeout, deadline, max_frames, max_bytes, state): a
 * reader, or nil, Error. Raises where reading it could not suspend. */
static int core_open_stream(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__suspend_task(L, b);
    nr__handle_t *handle = nr__plugin_handle(L, b, 1);
    nr_request_t *request = nr__call_request(L, 2);
    NrBytes body = nr__call_bytes(L, 3);
    nr_stream_options_t options = {.timeout_ms = nr__call_number(L, 4),
                                   .deadline_ms = nr__call_number(L, 5),
                                   .max_frames = nr__call_number(L, 6),
                                   .max_bytes = nr__call_number(L, 7)};
    nr__state_t state = nr__call_state(L, b, 8);
    nr_stream_t *stream;
    nr_error_t *err = &b->fast.err;
    options.state = state.values;
    options.state_len = state.len;
    if (!handle->plugin) {
        nr__fast_unloaded(&b->fast, handle);
        return nr__failure_return(L, b, err, handle->name);
    }
    nr__reader_t *reader = nr__plugin_new_object(L, sizeof *reader, b->reader_meta);
    note_limits(reader, &options);
    int rc = nr_stream_open(handle->plugin, request, body, &options, &stream, err);
    if (rc < 0)
        return nr__failure_return(L, b, err, handle->name);
    link_reader(b, reader, stream);
    return 1;
}

/* ---- Reading ---------------------------------------------------------------------------- */

/* Pushes what `nr_stream_next` answered, which was not NR_PENDING: status and data, two nils after
 * the end, or nil and an Error. */
static int push_frame(lua_State *L, nr__bridge_t *b, const nr__about_t *about, nr_stream_t *stream,
                      int rc, nr_result_t *frame) {
    if (rc == NR_E_STREAM_ENDED) {
        lua_settop(L, lua_gettop(L) + 2);
        return 2;
    }
    if (rc < 0) {
        frame->error = rc;
        frame->status = NR_OK;
        frame->sid = nr_stream_sid(stream);
    }
    return nr__call_push_result(L, b, about, frame);
}

void nr__stream_take(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    nr__task_t *task = delivery->event.user;
    nr__reader_t *reader = task->reader;
    nr_result_t *frame = &delivery->event.result;
    if (task->state != NR__TASK_WAITING || !reader || reader->stream != delivery->event.stream)
        return;
    frame->release = NULL;
    int rc = nr_stream_next(reader->stream, frame);
    if (rc == NR_PENDING) {
        nr_stream_wait(reader->stream, task);
        return;
    }
    if (rc == NR_DONE)
        reader->frames++;
    delivery->task = task;
    reader->task = NULL;
    nr__about_t about = nr__call_about(task);
    delivery->values = push_frame(L, b, &about, reader->stream, rc, frame);
}

static void give_up(nr__bridge_t *b, nr__task_t *task) {
    (void)b;
    if (task->reader->stream)
        nr_stream_wait(task->reader->stream, NULL);
    task->reader->task = NULL;
    task->reader = NULL;
}

static int await_frame(lua_State *L, nr__bridge_t *b, nr__reader_t *reader) {
    nr__task_t *task = nr__suspend_task(L, b);
    reader->task = task;
    task->reader = reader;
    task->timeout = nr__call_number(L, 4);
    task->give_up = give_up;
    nr_stream_wait(reader->stream, task);
    lua_settop(L, 3);
    lua_pushvalue(L, 1);
    lua_remove(L, 1);
    return nr__suspend(L, 3);
}

/* core.recv(reader, handle, target, timeout): the next frame; suspends until there is one, and adds
 * true when it was there. */
static int core_recv(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__reader_t *reader = check_reader(L, b, 1);
    if (!reader->stream)
        return 0;
    nr__suspend_task(L, b);
    if (reader->task)
        nr__refuse(L, b, "another task reads this stream already: let one task read it");
    nr_result_t *frame = &b->fast.slow_result;
    int rc = nr__fast_next(reader, frame);
    if (rc == NR_PENDING)
        return await_frame(L, b, reader);
    nr__about_t about = {.plugin = nr__plugin_handle(L, b, 2)->name,
                         .target = luaL_checkstring(L, 3),
                         .timeout = nr__call_number(L, 4),
                         .reader = reader};
    int values = push_frame(L, b, &about, reader->stream, rc, frame);
    nr__fast_release(frame);
    lua_pushboolean(L, 1);
    return values + 1;
}

/* ---- Ending and input ------------------------------------------------------------------- */

/* A task that reads gets nil and an Error. */
static void wake_reader(lua_State *L, nr__bridge_t *b, nr__reader_t *reader) {
    nr__task_t *task = reader->task;
    static const nr__failure_t failure = {.code = NR_E_CANCELLED,
                                          .message = "the stream was closed by another task"};
    if (!task)
        return;
    reader->task = NULL;
    lua_pushnil(L);
    nr__failure_push(L, b, &failure);
    nr__sched_hand_over(L, task, 2);
    nr__sched_wake(L, b, task);
}

/* core.close_stream(reader): gives the stream up; once or more often. */
static int core_close_stream(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__reader_t *reader = check_reader(L, b, 1);
    close_reader(reader);
    wake_reader(L, b, reader);
    return 0;
}

/* What a function with the reader at 1 and the plugin's handle at 2 returns: true, or nil, Error.
 */
static int return_done(lua_State *L, nr__bridge_t *b, int rc, nr_error_t *err) {
    if (rc == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    return nr__failure_return(L, b, err, nr__plugin_handle(L, b, 2)->name);
}

static int is_closed(nr_error_t *err) {
    *err = (nr_error_t){.code = NR_E_STREAM_ENDED, .message = "the stream was closed"};
    return NR_E_STREAM_ENDED;
}

/* core.send(reader, handle, data) */
static int core_send(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__reader_t *reader = check_reader(L, b, 1);
    NrBytes data = nr__call_bytes(L, 3);
    nr_error_t err;
    int rc = reader->stream ? nr_stream_send(reader->stream, data, &err) : is_closed(&err);
    return return_done(L, b, rc, &err);
}

/* core.finish(reader, handle) */
static int core_finish(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__reader_t *reader = check_reader(L, b, 1);
    nr_error_t err;
    int rc = reader->stream ? nr_stream_finish(reader->stream, &err) : is_closed(&err);
    return return_done(L, b, rc, &err);
}

static int is_open(const nr__reader_t *reader) {
    return reader->stream != NULL && !nr_stream_ended(reader->stream);
}

/* core.streams(): how many are open: neither closed nor read to their end. */
static int core_streams(lua_State *L) {
    lua_Integer count = 0;
    for (nr__reader_t *reader = nr__bridge_self(L)->readers; reader; reader = reader->next)
        count += is_open(reader);
    lua_pushinteger(L, count);
    return 1;
}

/* core.stream_open(reader): whether it is one of them. */
static int core_stream_open(lua_State *L) {
    lua_pushboolean(L, is_open(check_reader(L, nr__bridge_self(L), 1)));
    return 1;
}

/* core.stream_sid(reader): as text; nil once it is closed. */
static int core_stream_sid(lua_State *L) {
    nr__reader_t *reader = check_reader(L, nr__bridge_self(L), 1);
    if (!reader->stream)
        return 0;
    nr__failure_push_sid(L, nr_stream_sid(reader->stream));
    return 1;
}

void nr__stream_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {
        {"close_stream", core_close_stream},
        {"finish", core_finish},
        {"open_stream", core_open_stream},
        {"recv", core_recv},
        {"send", core_send},
        {"stream_open", core_stream_open},
        {"stream_sid", core_stream_sid},
        {"streams", core_streams},
        {NULL, NULL},
    };
    b->reader_meta = nr__plugin_new_meta(L, bridge, collect_reader);
    nr__bridge_register(L, bridge, functions);
}
