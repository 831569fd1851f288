/*
 * The watchdog of `nylon_ring.cli.process`: says something when Lua has not come back in time.
 */
#ifndef NYLON_RING_CLI_WATCHDOG_H
#define NYLON_RING_CLI_WATCHDOG_H

#include <lua.h>

/* Lua: watchdog([ms, text]). When so many milliseconds are over before the next call, `text` (which
 * is cut after 511 bytes) is written to standard error, once; nothing without them. [loop] */
int cli_watchdog(lua_State *L);

#endif
