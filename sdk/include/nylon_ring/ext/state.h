/* nylon.state/1, offered by the host: values by key that live as long as a call does.
 *
 * The table is abi.h's NrHostExt, the same that NrHostContext.host_ext points to; v2 plugins reach
 * it only through this id. Sizes and lifetimes are described at NrHostExt. */
#ifndef NYLON_RING_EXT_STATE_H
#define NYLON_RING_EXT_STATE_H

#include "../abi.h"

#define NR_EXT_STATE "nylon.state/1"

typedef NrHostExt NrExtState;

#endif
