/* The tables of the host that plugins are given. They live as long as the process. */
#ifndef NR__HOST_TABLES_H
#define NR__HOST_TABLES_H

#include <nylon_ring/abi.h>
#include <nylon_ring/abi_v2.h>

/* What v1's and v2's init are given; the second one is `nylon.result/1` as well. */
extern const NrHostVTable nr__host_vtable1;
extern const NrHostVTable2 nr__host_vtable2;

/* `nylon.state/1`, and what NrHostContext.host_ext points to. */
extern const NrHostExt nr__host_ext;

#endif
