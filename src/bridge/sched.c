/*
 * The scheduler's primitives. A task is a coroutine that `core.start` began; it suspends by
 * yielding a private marker (suspend.c) and is resumed by exactly one completion. What a task is
 * beyond that (parents, joining, cancelling) is written in Lua on top of it.
 *
 *   start ──▶ RUNNING ──(yields the marker)──▶ WAITING ──(wake, a resume is under way)──▶ READY
 *                │  ▲                             │                                        │
 *                │  └────────────(wake)───────────┴───────────◀──(outermost resume)────────┘
 *                └──(returns, fails, yields anything else)──▶ on_exit, FREE
 */
#include "bridge.h"

#include "call.h"
#include "failure.h"
#include "refuse.h"
#include "suspend.h"

enum { MAX_DEPTH = 96, MAX_READY_RUN = 4096 };

/* ---- Running ---------------------------------------------------------------------------- */

/* Pushes the coroutine, how it ended, and its results or its error with a traceback. */
static int push_outcome(lua_State *L, nr__bridge_t *b, nr__task_t *task, int status) {
    lua_State *co = task->co;
    int results = status == 0 ? lua_gettop(co) : 1;
    int fits = lua_checkstack(L, results + 8);
    luaL_checkstack(L, 8, NULL);
    nr__task_push(L, b, task);
    lua_pushboolean(L, status == 0 && fits);
    if (!fits)
        lua_pushliteral(L, "a task returned too many values");
    else if (status == LUA_YIELD)
        lua_pushliteral(L,
                        "a task yielded to nobody: coroutine.yield works inside a coroutine that "
                        "the task resumes itself; to wait for something use nr.await");
    else
        lua_xmove(co, L, results);
    if (status == 0 && fits)
        return results + 2;
    luaL_traceback(L, co, NULL, 0);
    return 4;
}

static void finish(lua_State *L, nr__bridge_t *b, nr__task_t *task, int status) {
    if (b->sched.on_exit == LUA_NOREF) {
        nr__task_free(L, b, task);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->sched.on_exit);
    int values = push_outcome(L, b, task, status);
    nr__task_free(L, b, task);
    if (lua_pcall(L, values, 0, 0) != 0)
        nr__luv_report_error(L, b);
}

static void step(lua_State *L, nr__bridge_t *b, nr__task_t *task) {
    nr__sched_t *s = &b->sched;
    nr__task_t *outer = b->fast.current;
    lua_State *co = task->co;
    int values = lua_gettop(co) - (lua_status(co) == 0 ? 1 : 0);
    task->state = NR__TASK_RUNNING;
    task->give_up = NULL;
    task->sid = 0;
    task->reader = NULL;
    task->unload = NULL;
    b->fast.current = task;
    s->depth++;
    int status = lua_resume(co, values);
    s->depth--;
    b->fast.current = outer;
    if (status != LUA_YIELD || !nr__suspend_note(co, task)) {
        finish(L, b, task, status);
        return;
    }
    task->since = b->luv.now(b->luv.loop);
    task->state = NR__TASK_WAITING;
}

static void queue(nr__sched_t *s, nr__task_t *task) {
    task->state = NR__TASK_READY;
    task->next = NULL;
    *s->ready_end = task;
    s->ready_end = &task->next;
}

static nr__task_t *dequeue(nr__sched_t *s) {
    nr__task_t *task = s->ready;
    s->ready = task->next;
    if (!s->ready)
        s->ready_end = &s->ready;
    return task;
}

void nr__sched_run_ready(lua_State *L, nr__bridge_t *b) {
    nr__sched_t *s = &b->sched;
    int busy = s->busy;
    s->busy = 1;
    for (int left = MAX_READY_RUN; s->ready && left > 0; left--)
        step(L, b, dequeue(s));
    s->busy = busy;
    if (s->ready)
        nr__loop_wake(b);
}

/* Body of an outermost resume, protected because memory may run out between two tasks. */
static int run_protected(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__sched_run(L, b, lua_touserdata(L, 1));
    return 0;
}

static void run_outermost(lua_State *L, nr__bridge_t *b, nr__task_t *task) {
    nr__sched_frame_t frame = nr__sched_leave_task(b);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->sched.run);
    lua_pushlightuserdata(L, task);
    int status = lua_pcall(L, 1, 0, 0);
    nr__sched_return_to_task(b, frame);
    if (status != 0)
        nr__luv_report_error(L, b);
    nr__loop_ensure(L, b);
}

nr__sched_frame_t nr__sched_leave_task(nr__bridge_t *b) {
    nr__sched_frame_t frame = {b->fast.current, b->sched.busy, b->sched.depth};
    b->fast.current = NULL;
    b->sched.busy = 0;
    return frame;
}

void nr__sched_return_to_task(nr__bridge_t *b, nr__sched_frame_t frame) {
    b->fast.current = frame.current;
    b->sched.busy = frame.busy;
    b->sched.depth = frame.depth;
}

/* A task runs the loop itself and this is one of the loop's callbacks: it has to be served now,
 * nobody comes back to the ready queue before the task goes on. */
static int in_nested_loop(const lua_State *L, const nr__bridge_t *b) {
    return L == b->L && b->fast.current;
}

void nr__sched_wake(lua_State *L, nr__bridge_t *b, nr__task_t *task) {
    if (b->sched.busy && !in_nested_loop(L, b))
        queue(&b->sched, task);
    else
        run_outermost(L, b, task);
}

void nr__sched_hand_over(lua_State *L, nr__task_t *task, int values) {
    lua_State *co = task->co;
    /* first, so that a task which can not take them still waits */
    if (values > LUA_MINSTACK - 4 && !lua_checkstack(co, values + 4))
        nr__raise(L, "too many values to resume a task with");
    if (lua_status(co) == LUA_YIELD)
        lua_settop(co, 0);
    lua_xmove(L, co, values);
}

void nr__sched_run(lua_State *L, nr__bridge_t *b, nr__task_t *task) {
    b->sched.busy = 1;
    step(L, b, task);
    nr__sched_run_ready(L, b);
    b->sched.busy = 0;
}

/* ---- The functions of the module -------------------------------------------------------- */

static void check_can_start(lua_State *L, nr__bridge_t *b) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    lua_State *co = lua_tothread(L, 1);
    if (lua_status(co) != 0 || lua_gettop(co) != 1 || !lua_isfunction(co, 1))
        nr__refuse(L, b, "core.start takes a coroutine that was not resumed before");
}

/* Inside a finalizer or a hook, LuaJIT takes a yield of any coroutine for one of the hook and
 * breaks the stack: a task that is started there waits until the running one has suspended. */
static int core_start(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    check_can_start(L, b);
    nr__task_t *task = nr__task_new(L, b, 1);
    if (!lua_checkstack(task->co, lua_gettop(L) + 4)) {
        lua_settop(L, 1);
        lua_pushliteral(task->co, "too many values to start a task with");
        finish(L, b, task, LUA_ERRRUN);
        return 0;
    }
    nr__sched_hand_over(L, task, lua_gettop(L) - 1);
    if (!b->sched.busy || in_nested_loop(L, b))
        run_outermost(L, b, task);
    else if (b->sched.depth < MAX_DEPTH && lua_isyieldable(L))
        step(L, b, task);
    else
        queue(&b->sched, task);
    return 0;
}

/* The task of the coroutine at 1, which must be waiting. */
static nr__task_t *check_waiting(lua_State *L, nr__bridge_t *b) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    nr__task_t *task = nr__suspend_waiting(lua_tothread(L, 1));
    if (!task)
        nr__refuse(L, b,
                   "this coroutine does not wait in a suspension: it runs, has ended, or was "
                   "resumed already");
    return task;
}

static int core_resume(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    nr__task_t *task = check_waiting(L, b);
    nr__sched_hand_over(L, task, lua_gettop(L) - 1);
    nr__sched_wake(L, b, task);
    return 0;
}

static int core_resume_error(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    lua_settop(L, 2);
    nr__task_t *task = check_waiting(L, b);
    nr__suspend_push_raised(L);
    lua_insert(L, 2);
    nr__sched_hand_over(L, task, 2);
    nr__sched_wake(L, b, task);
    return 0;
}

/* core.cancel_wait(co): true when the task waited for something of the bridge's, which is given up
 * now; the task goes on waiting, for whoever called this to resume it. False for one that waits for
 * something else, runs, or was resumed already. */
static int core_cancel_wait(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    luaL_checktype(L, 1, LUA_TTHREAD);
    nr__task_t *task = nr__suspend_waiting(lua_tothread(L, 1));
    int given_up = task && task->give_up;
    if (given_up) {
        task->give_up(b, task);
        task->give_up = NULL;
    }
    lua_pushboolean(L, given_up);
    return 1;
}

static void push_open(lua_State *L, const nr__task_t *task) {
    const nr__reader_t *reader = task->reader;
    uint64_t sid = reader && reader->stream ? nr_stream_sid(reader->stream) : task->sid;
    if (sid)
        nr__failure_push_sid(L, sid);
    else
        lua_pushnil(L);
    if (reader)
        lua_pushinteger(L, (lua_Integer)reader->frames);
    else
        lua_pushnil(L);
}

/* core.waiting(co): what a task waits for in the bridge ("echo /path") and since when, in loop
 * time, the sid of the call, and of a stream how many frames were read; or nothing. */
static int core_waiting(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    const nr__task_t *task = nr__suspend_waiting(lua_tothread(L, 1));
    if (!task || !task->give_up)
        return 0;
    nr__about_t about = nr__call_about(task);
    lua_pushfstring(L, "%s %s", about.plugin, about.target);
    lua_pushnumber(L, (lua_Number)task->since);
    push_open(L, task);
    return 4;
}

static int core_running(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    if (!b->fast.current || L == b->L)
        return 0;
    nr__task_push(L, b, b->fast.current);
    return 1;
}

/* core.set_cancel(co, err): every suspension of that task raises `err`, until it is set to nil. */
static int core_set_cancel(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    lua_settop(L, 2);
    nr__task_set_cancel(L, nr__bridge_self(L), 1);
    return 0;
}

static int core_on_exit(lua_State *L) {
    nr__bridge_set_ref(L, &nr__bridge_self(L)->sched.on_exit, 1);
    return 0;
}

/* How many tasks live: were started and have not ended. */
static int core_alive(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)nr__bridge_self(L)->sched.alive);
    return 1;
}

static int core_relaying(lua_State *L) {
    nr__bridge_self(L)->sched.relaying = lua_toboolean(L, 1);
    return 0;
}

static const luaL_Reg functions[] = {
    {"alive", core_alive},
    {"cancel_wait", core_cancel_wait},
    {"on_exit", core_on_exit},
    {"relaying", core_relaying},
    {"resume", core_resume},
    {"resume_error", core_resume_error},
    {"running", core_running},
    {"set_cancel", core_set_cancel},
    {"start", core_start},
    {"waiting", core_waiting},
    {NULL, NULL},
};

void nr__sched_open(lua_State *L, nr__bridge_t *b, int bridge) {
    nr__sched_t *s = &b->sched;
    s->ready_end = &s->ready;
    s->on_exit = LUA_NOREF;
    nr__task_open(L, b);
    lua_pushvalue(L, bridge);
    lua_pushcclosure(L, run_protected, 1);
    s->run = luaL_ref(L, LUA_REGISTRYINDEX);
    nr__bridge_register(L, bridge, functions);
    nr__suspend_open(L, bridge);
}
