/*
 * One turn of the loop: fetches events and resumes the tasks that wait for them. Runs outside of
 * any task, on luv's state, possibly inside a loop that a task runs itself; what was not fetched
 * yet is then fetched by the inner turn.
 *
 * The body is protected. When memory runs out for an answer, the answer is released, its task gets
 * an Error that was made beforehand, and the turn goes on.
 */
#include "turn.h"

#include "bridge.h"
#include "call.h"
#include "failure.h"
#include "stream.h"
#include "unload.h"

/* So that a plugin that answers without pause does not keep timers and sockets from their turn. */
enum { EVENTS_A_TURN = 4096 };

static void push_log(lua_State *L, const nr_log_line_t *line) {
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
    lua_createtable(L, 0, 4);
    lua_pushstring(L, line->level < 5 ? levels[line->level] : "error");
    lua_setfield(L, -2, "level");
    lua_pushstring(L, line->plugin);
    lua_setfield(L, -2, "plugin");
    lua_pushlstring(L, line->message, line->len);
    lua_setfield(L, -2, "message");
    if (line->sid != 0) {
        nr__failure_push_sid(L, line->sid);
        lua_setfield(L, -2, "sid");
    }
}

static void take_log(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    if (b->on_log == LUA_NOREF)
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->on_log);
    push_log(L, &delivery->event.log);
    if (lua_pcall(L, 1, 0, 0) != 0)
        nr__luv_report_error(L, b);
}

static void take(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    switch (delivery->event.kind) {
    case NR_EVENT_RESULT:
        nr__call_take(L, b, delivery);
        break;
    case NR_EVENT_READABLE:
        nr__stream_take(L, b, delivery);
        break;
    case NR_EVENT_UNLOADED:
        nr__unload_take(L, b, delivery);
        break;
    case NR_EVENT_LOG:
        take_log(L, b, delivery);
        break;
    }
}

static void hand_over(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    delivery->open = 0;
    if (delivery->event.result.release)
        nr_result_release(&delivery->event.result);
    if (!delivery->task)
        return;
    nr__sched_hand_over(L, delivery->task, delivery->values);
    nr__sched_run(L, b, delivery->task);
}

/* The attempt before this one failed on the way: there was no memory for what the task should get.
 */
static void hand_over_failure(lua_State *L, nr__bridge_t *b, nr__delivery_t *delivery) {
    lua_pushnil(L);
    nr__failure_push_no_memory(L, b);
    delivery->values = 2;
    hand_over(L, b, delivery);
}

static int run_turn(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__delivery_t *delivery = lua_touserdata(L, 1);
    if (delivery->open)
        hand_over_failure(L, b, delivery);
    for (int left = EVENTS_A_TURN; left > 0; left--) {
        delivery->task = NULL;
        delivery->event.result.release = NULL;
        if (!b->worker || !nr_worker_next(b->worker, &delivery->event)) {
            nr__sched_run_ready(L, b);
            return 0;
        }
        delivery->open = 1;
        take(L, b, delivery);
        hand_over(L, b, delivery);
        lua_settop(L, 1);
    }
    nr__loop_wake(b);
    return 0;
}

void nr__turn(lua_State *L, nr__bridge_t *b) {
    nr__delivery_t delivery;
    nr__sched_frame_t frame = nr__sched_leave_task(b);
    int status;
    delivery.open = 0;
    do {
        lua_rawgeti(L, LUA_REGISTRYINDEX, b->run_turn);
        lua_pushlightuserdata(L, &delivery);
        status = lua_pcall(L, 1, 0, 0);
        if (status != 0 && !delivery.open)
            nr__luv_report_error(L, b);
        else if (status != 0)
            lua_pop(L, 1);
        b->sched.busy = 0;
        b->fast.current = NULL;
    } while (status != 0);
    nr__sched_return_to_task(b, frame);
}

static int core_on_log(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr_capture_t how = lua_toboolean(L, 2) ? NR_CAPTURE_BESIDE : NR_CAPTURE_INSTEAD;
    nr__bridge_set_ref(L, &b->on_log, 1);
    if (b->worker)
        nr_worker_capture_logs(b->worker, b->on_log != LUA_NOREF ? how : NR_CAPTURE_OFF);
    return 0;
}

void nr__turn_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {{"on_log", core_on_log}, {NULL, NULL}};
    b->on_log = LUA_NOREF;
    lua_pushvalue(L, bridge);
    lua_pushcclosure(L, run_turn, 1);
    b->run_turn = luaL_ref(L, LUA_REGISTRYINDEX);
    nr__bridge_register(L, bridge, functions);
}
