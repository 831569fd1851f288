/*
 * Calls that suspend their task: a C function that yields, resumed with the answer straight from
 * the turn. Calls that are answered inside `handle` go through fast.c instead, and come here to
 * wait when they were not.
 */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "bridge.h"
#include "failure.h"
#include "plugin.h"
#include "refuse.h"
#include "suspend.h"

enum { CDATA = 10 }; /* LuaJIT's type for FFI objects, which lua.h does not name */

/* ---- Arguments -------------------------------------------------------------------------- */

nr_request_t *nr__call_request(lua_State *L, int index) {
    luaL_argcheck(L, lua_type(L, index) == CDATA, index, "prepared request expected");
    return (nr_request_t *)(uintptr_t)lua_topointer(L, index);
}

NrBytes nr__call_bytes(lua_State *L, int index) {
    size_t len;
    const char *data = luaL_checklstring(L, index, &len);
    NrBytes bytes = {(const uint8_t *)data, len};
    return bytes;
}

uint64_t nr__call_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t nr__call_number(lua_State *L, int index) {
    return (uint64_t)luaL_optnumber(L, index, 0);
}

static size_t count_state(lua_State *L, nr__bridge_t *b, int index) {
    size_t len = 0;
    if (!lua_istable(L, index))
        nr__refuse(L, b, "state must be a table of strings");
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            nr__refuse(L, b, "state takes strings as keys and as values");
        len++;
        lua_pop(L, 1);
    }
    return len;
}

nr__state_t nr__call_state(lua_State *L, nr__bridge_t *b, int index) {
    nr__state_t state = {NULL, 0};
    if (lua_isnoneornil(L, index)) {
        lua_pushnil(L);
        return state;
    }
    size_t len = count_state(L, b, index);
    nr_state_value_t *values = lua_newuserdata(L, (len + 1) * sizeof *values);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        NrBytes key = nr__call_bytes(L, -2);
        values[state.len].key = (NrStr){.ptr = key.ptr, .len = (uint32_t)key.len};
        values[state.len++].value = nr__call_bytes(L, -1);
        lua_pop(L, 1);
    }
    state.values = values;
    return state;
}

/* ---- Answers ---------------------------------------------------------------------------- */

nr__about_t nr__call_about(const nr__task_t *task) {
    const nr__handle_t *handle = lua_touserdata(task->co, NR__SUSPEND_KEPT);
    const char *target = lua_tostring(task->co, NR__SUSPEND_KEPT + 1);
    nr__about_t about = {handle ? handle->name : "?", target ? target : "?", task->timeout,
                         task->reader};
    return about;
}

static void push_timeout(lua_State *L, const nr__about_t *about) {
    const nr__reader_t *reader = about->reader;
    int over = reader && reader->deadline && nr__call_now() - reader->opened >= reader->deadline;
    uint64_t ms = over ? reader->deadline : about->timeout;
    char limit[40] = "in time";
    if (ms != 0)
        snprintf(limit, sizeof limit, "within %" PRIu64 " ms", ms);
    lua_pushfstring(L, "plugin '%s' did not %s '%s' %s", about->plugin, over ? "end" : "answer",
                    about->target, limit);
}

static void push_overflow(lua_State *L, const nr__about_t *about) {
    const nr__reader_t *reader = about->reader; /* only streams have a queue that can be full */
    char limits[80] = "its queue";
    if (reader != NULL)
        snprintf(limits, sizeof limits, "%" PRIu64 " frames or %" PRIu64 " bytes",
                 reader->max_frames, reader->max_bytes);
    lua_pushfstring(L,
                    "plugin '%s' sent frames of '%s' faster than they were read, beyond the "
                    "limit of %s: read faster, or raise max_frames and max_bytes",
                    about->plugin, about->target, limits);
}

/* Pushes what a host-side end of a call means, in words. */
static void push_message(lua_State *L, const nr__about_t *about, const nr_result_t *result) {
    const char *plugin = about->plugin, *target = about->target;
    switch (result->error) {
    case NR_E_TIMEOUT:
        push_timeout(L, about);
        break;
    case NR_E_PLUGIN_UNLOADED:
        lua_pushfstring(L, "plugin '%s' was unloaded before it answered '%s'", plugin, target);
        break;
    case NR_E_BACKPRESSURE:
        push_overflow(L, about);
        break;
    default:
        lua_pushfstring(L, "plugin '%s', '%s': the call ended with %s", plugin, target,
                        nr_error_code(result->error));
    }
}

static int push_failure(lua_State *L, nr__bridge_t *b, const nr__about_t *about,
                        const nr_result_t *result) {
    nr__failure_t failure = {.code = result->error, .plugin = about->plugin, .sid = result->sid};
    if (result->error == NR_E_PLUGIN_HANDLE_FAILED)
        failure.status = result->status;
    lua_pushnil(L);
    push_message(L, about, result);
    failure.message = lua_tostring(L, -1);
    nr__failure_push(L, b, &failure);
    lua_remove(L, -2);
    return 2;
}

int nr__call_push_result(lua_State *L, nr__bridge_t *b, const nr__about_t *about,
                         const nr_result_t *result) {
    if (result->error != 0)
        return push_failure(L, b, about, result);
    lua_pushnumber(L, (lua_Number)result->status);
    lua_pushlstring(L, (const char *)result->data, (size_t)result->len);
    return 2;
}

void nr__call_take(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    const nr_result_t *result = &delivery->event.result;
    nr__task_t *task = delivery->event.user;
    if (task->state != NR__TASK_WAITING || task->sid != result->sid)
        return; /* it could not suspend after all, and went on */
    nr__about_t about = nr__call_about(task);
    delivery->task = task;
    delivery->values = nr__call_push_result(L, b, &about, result);
}

/* ---- Waiting ---------------------------------------------------------------------------- */

static void give_up(nr__bridge_t *b, nr__task_t *task) {
    nr_call_cancel(b->worker, task->sid);
    task->sid = 0;
}

/* Suspends the task until its call is answered. */
static int await(lua_State *L, nr__task_t *task, uint64_t sid, uint64_t timeout, int handle,
                 int target) {
    task->sid = sid;
    task->timeout = timeout;
    task->give_up = give_up;
    lua_pushvalue(L, handle);
    lua_pushvalue(L, target);
    return nr__suspend(L, 2);
}

/* core.await(handle, target, timeout): waits for the call that `fast.call` has just left pending.
 */
static int core_await(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__task_t *task = nr__suspend_try(L, b);
    uint64_t sid = b->fast.result.sid;
    if (!task || nr__task_is_cancelled(L, b, task)) {
        nr_call_cancel(b->worker, sid);
        task = nr__suspend_task(L, b); /* raises */
    }
    return await(L, task, sid, nr__call_number(L, 3), 1, 2);
}

/* core.call(handle, target, request, body, timeout, state): status, body or nil, Error; and true
 * when it was answered without waiting. */
static int core_call(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__task_t *task = nr__suspend_task(L, b);
    nr__handle_t *handle = nr__plugin_handle(L, b, 1);
    nr_request_t *request = nr__call_request(L, 3);
    NrBytes body = nr__call_bytes(L, 4);
    uint64_t timeout = nr__call_number(L, 5);
    nr__state_t state = nr__call_state(L, b, 6);
    nr_call_options_t options = {
        .user = task, .timeout_ms = timeout, .state = state.values, .state_len = state.len};
    nr__fast_t *fast = &b->fast;
    nr_result_t *result = &fast->slow_result;
    int rc = nr__fast_start(fast, handle, request, body, &options, result);
    if (rc < 0)
        return nr__failure_return(L, b, &fast->err, handle->name);
    if (rc == NR_PENDING)
        return await(L, task, result->sid, timeout, 1, 2);
    nr__about_t about = {handle->name, lua_tostring(L, 2), timeout, NULL};
    int values = nr__call_push_result(L, b, &about, result);
    nr__fast_release(result);
    lua_pushboolean(L, 1);
    return values + 1;
}

/* core.notify(handle, request, body, state): true or nil, Error. */
static int core_notify(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__handle_t *handle = nr__plugin_handle(L, b, 1);
    nr_request_t *request = nr__call_request(L, 2);
    NrBytes body = nr__call_bytes(L, 3);
    nr__state_t state = nr__call_state(L, b, 4);
    nr_call_options_t options = {.state = state.values, .state_len = state.len};
    if (nr__fast_notify(&b->fast, handle, request, body, &options) != 0)
        return nr__failure_return(L, b, &b->fast.err, handle->name);
    lua_pushboolean(L, 1);
    return 1;
}

/* core.failure(handle): nil and the Error of the last function of `fast` that failed. */
static int core_failure(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    const char *plugin = lua_isnoneornil(L, 1) ? NULL : nr__plugin_handle(L, b, 1)->name;
    return nr__failure_return(L, b, &b->fast.err, plugin);
}

/* core.result(handle, target): what `fast` has left as its result, where that is odd. */
static int core_result(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__about_t about = {nr__plugin_handle(L, b, 1)->name, luaL_checkstring(L, 2), 0, NULL};
    int values = nr__call_push_result(L, b, &about, &b->fast.result);
    b->fast.release(&b->fast);
    return values;
}

void nr__call_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {{"await", core_await},     {"call", core_call},
                                         {"failure", core_failure}, {"notify", core_notify},
                                         {"result", core_result},   {NULL, NULL}};
    (void)b;
    nr__bridge_register(L, bridge, functions);
}
