/*
 * The bridge's handles on luv's loop. They are made through luv, because luv and uv.walk crash on
 * handles that are not luv's; their callbacks are C functions of this module, which luv calls on
 * its own state.
 *
 *   prepare   before the loop waits: says that it sleeps, or that it must not wait
 *   async     ends the wait, from any thread; does nothing by itself
 *   check     after the wait: hands out what has finished
 *   timer     the worker's nearest deadline
 *   idle      active for one turn when the loop must not wait; never calls into Lua
 *
 * A script may close them (uv.walk does). Closed ones are noticed after every callback and
 * replaced, but their memory is kept until the bridge goes: a plugin's thread may still be about to
 * wake through them.
 */
#include "loop.h"

#include "bridge.h"
#include "refuse.h"
#include "turn.h"

static const double FAR_AWAY = 1e12; /* milliseconds */

static nr__bridge_t *bridge_of(void *ctx) {
    return ctx;
}

static uv_handle_t *async_of(nr__bridge_t *b) {
    return (uv_handle_t *)atomic_load_explicit(&b->loop.async, memory_order_relaxed);
}

static void update_reference(nr__bridge_t *b) {
    if (b->loop.alive || b->loop.more)
        b->luv.ref(async_of(b));
    else
        b->luv.unref(async_of(b));
}

/* ---- What a worker needs of its loop; called in compiled traces, must not touch Lua ------ */

static void wake(void *ctx) {
    nr__bridge_t *b = bridge_of(ctx);
    /* pairs with the store of a new handle in open_handles */
    b->luv.async_send(atomic_load_explicit(&b->loop.async, memory_order_acquire));
}

static void set_timer(void *ctx, uint64_t ms) {
    nr__bridge_t *b = bridge_of(ctx);
    b->luv.timer_stop(b->loop.timer);
    if (ms == UINT64_MAX || b->luv.is_closing((uv_handle_t *)b->loop.timer))
        return;
    b->luv.timer_set_repeat(b->loop.timer, ms > 0 ? ms : 1);
    b->luv.timer_again(b->loop.timer); /* with luv's callback, that of the first start */
}

static void keep_alive(void *ctx, int on) {
    nr__bridge_t *b = bridge_of(ctx);
    b->loop.alive = on;
    update_reference(b);
}

void nr__loop_wake(nr__bridge_t *b) {
    b->loop.more = 1;
    update_reference(b);
    wake(b);
}

/* ---- Callbacks -------------------------------------------------------------------------- */

static void pass(uv_idle_t *idle) {
    (void)idle;
}

static int on_async(lua_State *L) {
    (void)L;
    return 0;
}

/* Lets Lua look at its own handles: what closed ours has most likely closed those. Not at once,
 * because whoever closes all handles may be in the midst of it. */
static void tell_reopened(lua_State *L, nr__bridge_t *b) {
    b->loop.reopened = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->loop.on_reopen);
    if (!lua_isfunction(L, -1))
        lua_pop(L, 1);
    else if (lua_pcall(L, 0, 0, 0) != 0)
        nr__luv_report_error(L, b);
}

static int on_prepare(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    if (b->loop.reopened)
        tell_reopened(L, b);
    if (b->worker && nr_worker_sleep(b->worker))
        b->luv.idle_start(b->loop.idle, pass);
    return 0;
}

static int on_check(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    b->luv.idle_stop(b->loop.idle);
    if (b->worker)
        nr_worker_awake(b->worker);
    if (b->loop.more) {
        b->loop.more = 0;
        update_reference(b);
    }
    nr__turn(L, b);
    return 0;
}

static int on_timer(lua_State *L) {
    nr__bridge_t *b = nr__bridge_self(L);
    b->luv.timer_stop(b->loop.timer);
    if (b->worker)
        nr_worker_timer(b->worker);
    return 0;
}

/* ---- Making and closing ----------------------------------------------------------------- */

/* Runs luv's `name` with the `values` on top of the stack, which are popped, and leaves one result.
 */
static void call_luv(lua_State *L, const nr__bridge_t *b, const char *name, int values) {
    nr__luv_push(L, b);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    lua_insert(L, -values - 1);
    lua_call(L, values, 1);
}

/* Pops a new luv handle and keeps its userdata. */
static void *keep(lua_State *L, nr__bridge_t *b) {
    if (!lua_isuserdata(L, -1))
        nr__raise(L, "luv could not make a handle for nylon_ring");
    void *handle = *(void **)lua_touserdata(L, -1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->loop.handles);
    lua_insert(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    b->luv.unref(handle);
    return handle;
}

/* Makes a handle and starts it with `callback` after `values` numbers; leaves nothing. */
static void *make(lua_State *L, nr__bridge_t *b, const char *make_name, const char *start_name,
                  int callback) {
    call_luv(L, b, make_name, 0);
    if (start_name) {
        lua_pushvalue(L, -1);
        lua_rawgeti(L, LUA_REGISTRYINDEX, callback);
        call_luv(L, b, start_name, 2);
        lua_pop(L, 1);
    }
    return keep(L, b);
}

/* The timer's callback is set once, by a start that is taken back; `timer_again` uses it from then
 * on. */
static uv_timer_t *make_timer(lua_State *L, nr__bridge_t *b) {
    call_luv(L, b, "new_timer", 0);
    lua_pushvalue(L, -1);
    lua_pushnumber(L, FAR_AWAY);
    lua_pushnumber(L, FAR_AWAY);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->loop.on_timer);
    call_luv(L, b, "timer_start", 4);
    lua_pop(L, 1);
    uv_timer_t *timer = keep(L, b);
    b->luv.timer_stop(timer);
    return timer;
}

static void open_handles(lua_State *L, nr__bridge_t *b) {
    nr__loop_t *loop = &b->loop;
    luaL_checkstack(L, 8, NULL);
    loop->prepare = make(L, b, "new_prepare", "prepare_start", loop->on_prepare);
    loop->check = make(L, b, "new_check", "check_start", loop->on_check);
    loop->idle = make(L, b, "new_idle", NULL, 0);
    loop->timer = make_timer(L, b);
    lua_rawgeti(L, LUA_REGISTRYINDEX, loop->on_async);
    call_luv(L, b, "new_async", 1);
    uv_async_t *async = keep(L, b);
    /* pairs with the load in `wake` */
    atomic_store_explicit(&loop->async, async, memory_order_release);
}

static int is_closing(const nr__bridge_t *b, const void *handle) {
    return b->luv.is_closing(handle);
}

void nr__loop_ensure(lua_State *L, nr__bridge_t *b) {
    const nr__loop_t *loop = &b->loop;
    if (!b->worker ||
        !(is_closing(b, async_of(b)) || is_closing(b, loop->prepare) ||
          is_closing(b, loop->check) || is_closing(b, loop->idle) || is_closing(b, loop->timer)))
        return;
    open_handles(L, b);
    update_reference(b);
    set_timer(b, 0); /* the worker looks at its deadlines and sets it right */
    wake(b);
    b->loop.reopened = 1;
}

static int add_callback(lua_State *L, int bridge, lua_CFunction function) {
    lua_pushvalue(L, bridge);
    lua_pushcclosure(L, function, 1);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* core.owns(handle): whether this luv handle is the bridge's own. */
static int core_owns(lua_State *L) {
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, nr__bridge_self(L)->loop.handles);
    lua_pushvalue(L, 1);
    lua_rawget(L, -2);
    lua_pushboolean(L, lua_toboolean(L, -1));
    return 1;
}

/* core.on_reopen(fn): `fn()` is called before the loop waits, once after a script had closed
 * handles of the bridge's. */
static int core_on_reopen(lua_State *L) {
    nr__bridge_set_ref(L, &nr__bridge_self(L)->loop.on_reopen, 1);
    return 0;
}

void nr__loop_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {
        {"on_reopen", core_on_reopen}, {"owns", core_owns}, {NULL, NULL}};
    nr_loop_t loop = {.ctx = b, .wake = wake, .set_timer = set_timer, .keep_alive = keep_alive};
    nr_error_t err;
    b->loop.on_reopen = LUA_NOREF;
    lua_newtable(L);
    b->loop.handles = luaL_ref(L, LUA_REGISTRYINDEX);
    b->loop.on_async = add_callback(L, bridge, on_async);
    b->loop.on_prepare = add_callback(L, bridge, on_prepare);
    b->loop.on_check = add_callback(L, bridge, on_check);
    b->loop.on_timer = add_callback(L, bridge, on_timer);
    open_handles(L, b);
    nr__bridge_register(L, bridge, functions);
    if (nr_worker_open(&loop, &b->worker, &err) != 0)
        nr__raise(L, "nylon_ring: %s", err.message);
}

void nr__loop_close(nr__bridge_t *b) {
    b->loop.alive = b->loop.more = 0;
    update_reference(b);
    b->luv.timer_stop(b->loop.timer);
    b->luv.idle_stop(b->loop.idle);
}
