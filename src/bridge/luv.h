/* What the bridge takes of the luv that the script uses. See luv.c. */
#ifndef NYLON_RING_LUV_H
#define NYLON_RING_LUV_H

#include <lua.h>
#include <uv.h>

struct nr__bridge;

/* libuv's functions, from the libuv that luv itself is linked with. */
typedef struct nr__luv {
    int module; /* registry reference */
    void *library;
    int (*async_send)(uv_async_t *);
    int (*is_closing)(const uv_handle_t *);
    void (*ref)(uv_handle_t *);
    void (*unref)(uv_handle_t *);
    uint64_t (*now)(const uv_loop_t *);
    int (*idle_start)(uv_idle_t *, uv_idle_cb);
    int (*idle_stop)(uv_idle_t *);
    int (*timer_again)(uv_timer_t *);
    int (*timer_stop)(uv_timer_t *);
    void (*timer_set_repeat)(uv_timer_t *, uint64_t);
    uv_loop_t *loop;
} nr__luv_t;

/* Loads luv, on the main state or on a thread of its own that is never a task, finds its functions
 * and makes its callbacks report errors instead of ending the process. Raises where luv is missing.
 */
void nr__luv_open(lua_State *L, struct nr__bridge *b, int bridge);
void nr__luv_close(struct nr__bridge *b);

/* Pushes the luv module, whatever package.loaded now says. */
void nr__luv_push(lua_State *L, const struct nr__bridge *b);

/* Hands the error on top of the stack to whom `core.on_error` named, else to standard
 * error, and pops it. */
void nr__luv_report_error(lua_State *L, struct nr__bridge *b);

#endif
