/* Both generations in one C file: the types that differ have names of their own. */
#include <nylon_ring/abi_v2.h>

#include <nylon_ring/abi.h>

extern NrPluginInfo headers_abi_v1;
extern NrPluginInfo2 headers_abi_v2;

/* The symbol names and the entry types belong together. */
const NrPluginInfo *nylon_ring_get_plugin_v1(void);
const NrPluginInfo2 *nylon_ring_get_plugin(void);
const void *nylon_ring_get_plugin_extension_v1(const char *id);

_Static_assert(_Generic(&nylon_ring_get_plugin_v1, NrGetPluginV1 : 1, default : 0), "v1 entry");
_Static_assert(_Generic(&nylon_ring_get_plugin, NrGetPluginV2 : 1, default : 0), "v2 entry");
_Static_assert(_Generic(&nylon_ring_get_plugin_extension_v1, NrGetPluginExtension : 1, default : 0),
               "extension entry");
_Static_assert(sizeof(NR_PLUGIN_SYMBOL_V1) == sizeof("nylon_ring_get_plugin_v1"), "v1 symbol");
_Static_assert(sizeof(NR_HOST_MAGIC) - 1 == sizeof(((NrHostContext *)0)->magic), "magic");
