/*
 * The watchdog of `nylon_ring.cli.process`: says something when Lua has not come back in time, or
 * ends the process.
 */
#ifndef NYLON_RING_CLI_WATCHDOG_H
#define NYLON_RING_CLI_WATCHDOG_H

#include <lua.h>

/* Lua: watchdog([ms, text, [leave_ms, leave_text]]). When so many milliseconds are over before the
 * next call, `text` (which is cut after 511 bytes) is written to standard error, once; nothing
 * without them. After the other ones the process ends at once, with `leave_text` and exit code 1.
 * [loop] */
int cli_watchdog(lua_State *L);

#endif
