/*
 * The checks of a plugin's info, in the order in which they make the next one safe: the version
 * says what the size means, the size says which fields are there, the fields say where texts and
 * tables are. v1 and v2 share the info's layout and differ in the table's type.
 */
#define _POSIX_C_SOURCE 200809L
#include "loader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "guard.h"
#include "utf8.h"

_Static_assert(sizeof(NrPluginInfo) == sizeof(NrPluginInfo2), "one check reads both");

/* ---- The entry symbol -------------------------------------------------------------------- */

static int missing_symbol(const nr__library_t *library, uint32_t abi, nr_error_t *err) {
    if (abi == 0) {
        return nr__fail(err, NR_E_MISSING_SYMBOL,
                        "'%s' exports neither %s nor %s: it is no plugin, or its export is hidden "
                        "(NR_PLUGIN_EXPORT_V1 makes it)",
                        library->path, NR_PLUGIN_SYMBOL_V1, NR_PLUGIN_SYMBOL_V2);
    }
    uint32_t other = abi == 1 ? 2 : 1;
    const char *symbol = abi == 1 ? NR_PLUGIN_SYMBOL_V1 : NR_PLUGIN_SYMBOL_V2;
    const char *there = abi == 1 ? NR_PLUGIN_SYMBOL_V2 : NR_PLUGIN_SYMBOL_V1;
    if (nr__library_symbol(library, there) != NULL) {
        return nr__fail(err, NR_E_MISSING_SYMBOL,
                        "'%s' does not export %s, but %s: load it with abi = %" PRIu32
                        " or without that option",
                        library->path, symbol, there, other);
    }
    return nr__fail(err, NR_E_MISSING_SYMBOL,
                    "'%s' does not export %s: it is no plugin, or its export is hidden",
                    library->path, symbol);
}

/* The entry function, and the version that its symbol stands for; NULL: none that was asked for. */
static void *find_entry(const nr__library_t *library, uint32_t abi, uint32_t *version) {
    void *symbol = NULL;
    if (abi != NR_ABI_V2) {
        symbol = nr__library_symbol(library, NR_PLUGIN_SYMBOL_V1);
        *version = NR_ABI_V1;
    }
    if (symbol == NULL && abi != NR_ABI_V1) {
        symbol = nr__library_symbol(library, NR_PLUGIN_SYMBOL_V2);
        *version = NR_ABI_V2;
    }
    return symbol;
}

static const char *entry_name(uint32_t version) {
    return version == NR_ABI_V1 ? NR_PLUGIN_SYMBOL_V1 : NR_PLUGIN_SYMBOL_V2;
}

static const NrPluginInfo *ask_info(const nr__image_t *image, void *symbol, uint32_t version) {
    NrGetPluginV1 get_plugin;
    memcpy(&get_plugin, &symbol, sizeof(symbol));
    NR__GUARD(image, entry_name(version));
    const NrPluginInfo *info = get_plugin();
    NR__GUARD_END();
    return info;
}

/* ---- The info's fields ------------------------------------------------------------------- */

static int check_layout(const char *path, const NrPluginInfo *info, uint32_t version,
                        nr_error_t *err) {
    if (info->abi_version != version) {
        return nr__fail(err, NR_E_INCOMPATIBLE_ABI_VERSION,
                        "'%s' says ABI version %" PRIu32 " where its symbol stands for %" PRIu32
                        " (this host speaks 1 and 2): build it against the headers of one version",
                        path, info->abi_version, version);
    }
    if (info->struct_size < sizeof(NrPluginInfo)) {
        return nr__fail(err, NR_E_INCOMPATIBLE_INFO_SIZE,
                        "'%s' says that its plugin info has %" PRIu32 " bytes, %zu are needed: set "
                        "struct_size to sizeof(NrPluginInfo)",
                        path, info->struct_size, sizeof(NrPluginInfo));
    }
    return 0;
}

const char *nr__loader_text_fault(NrStr text, int may_be_empty) {
    if (text.len == 0) {
        return may_be_empty ? NULL : "empty";
    }
    if (text.ptr == NULL) {
        return "a NULL pointer with a length";
    }
    if (text.len > NR__NAME_MAX) {
        return "longer than 255 bytes";
    }
    if (!nr__utf8_valid(text.ptr, text.len)) {
        return "not UTF-8";
    }
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return "not plain text (it has control characters)";
        }
    }
    return NULL;
}

static int check_texts(const char *path, const NrPluginInfo *info, nr_error_t *err) {
    const char *field = "name";
    const char *fault = nr__loader_text_fault(info->name, 0);
    if (fault == NULL) {
        field = "version";
        fault = nr__loader_text_fault(info->version, 1);
    }
    if (fault != NULL) {
        return nr__fail(err, NR_E_INVALID_PLUGIN_INFO,
                        "the %s of '%s' is %s: set it to a short UTF-8 text in the plugin's info",
                        field, path, fault);
    }
    return 0;
}

/* ---- The plugin's table ------------------------------------------------------------------ */

static int check_required(const char *path, int init, int handle, nr_error_t *err) {
    if (init && handle) {
        return 0;
    }
    return nr__fail(err, NR_E_MISSING_REQUIRED_FUNCTIONS,
                    "the function table of '%s' has no %s: a plugin must have init and handle",
                    path,
                    !init && !handle ? "init and no handle"
                    : !init          ? "init"
                                     : "handle");
}

static int check_table2(const char *path, const NrPluginVTable2 *table, nr_error_t *err) {
    int rc = check_required(path, table->init != NULL, table->handle != NULL, err);
    if (rc != 0) {
        return rc;
    }
    if ((table->resolve_entry == NULL) == (table->handle_by_id == NULL)) {
        return 0;
    }
    int resolves = table->resolve_entry != NULL;
    return nr__fail(err, NR_E_MISSING_REQUIRED_FUNCTIONS,
                    "the function table of '%s' has %s without %s: give both or neither", path,
                    resolves ? "resolve_entry" : "handle_by_id",
                    resolves ? "handle_by_id" : "resolve_entry");
}

static int check_table(const char *path, uint32_t version, const NrPluginInfo *info,
                       nr_error_t *err) {
    if (info->vtable == NULL) {
        return nr__fail(err, NR_E_NULL_PLUGIN_VTABLE,
                        "the plugin info of '%s' has no function table (vtable is NULL): set it to "
                        "the address of a static table",
                        path);
    }
    if (version == NR_ABI_V2) {
        return check_table2(path, ((const NrPluginInfo2 *)(const void *)info)->vtable, err);
    }
    return check_required(path, info->vtable->init != NULL, info->vtable->handle != NULL, err);
}

/* ---- The whole --------------------------------------------------------------------------- */

static int fill(nr__image_t *image, uint32_t version, const NrPluginInfo *info, nr_error_t *err) {
    image->own_name = strndup((const char *)info->name.ptr, info->name.len);
    image->version = strndup((const char *)info->version.ptr, info->version.len);
    if (image->own_name == NULL || image->version == NULL) {
        return nr__fail(err, NR_E_NO_MEMORY, "out of memory while '%s' was being loaded",
                        image->library.path);
    }
    image->abi = version;
    image->struct_size = info->struct_size;
    image->plugin_ctx = info->plugin_ctx;
    if (version == NR_ABI_V1) {
        image->v1 = info->vtable;
        image->has_shutdown = image->v1->shutdown != NULL;
    } else {
        image->v2 = ((const NrPluginInfo2 *)(const void *)info)->vtable;
        image->has_shutdown = image->v2->shutdown != NULL;
        image->takes_input = image->v2->stream_data != NULL;
    }
    return 0;
}

int nr__loader_check(nr__image_t *image, uint32_t abi, nr_error_t *err) {
    const char *path = image->library.path;
    if (abi > NR_ABI_V2) {
        return nr__fail(err, NR_E_MISUSE, "abi is %" PRIu32 ": it must be 1, 2 or left out", abi);
    }
    uint32_t version = 0;
    void *symbol = find_entry(&image->library, abi, &version);
    if (symbol == NULL) {
        return missing_symbol(&image->library, abi, err);
    }
    const NrPluginInfo *info = ask_info(image, symbol, version);
    if (info == NULL) {
        return nr__fail(err, NR_E_NULL_PLUGIN_INFO,
                        "'%s' answers no plugin info (%s returned NULL): the function must return "
                        "the address of a static NrPluginInfo",
                        path, entry_name(version));
    }
    int rc = check_layout(path, info, version, err);
    rc = rc == 0 ? check_texts(path, info, err) : rc;
    rc = rc == 0 ? check_table(path, version, info, err) : rc;
    return rc == 0 ? fill(image, version, info, err) : rc;
}

static const void *extension(const nr__image_t *image, NrGetPluginExtension get, const char *id) {
    NR__GUARD(image, NR_PLUGIN_EXTENSION_SYMBOL);
    const void *table = get(id);
    NR__GUARD_END();
    return table;
}

void nr__loader_extensions(nr__image_t *image) {
    void *symbol = nr__library_symbol(&image->library, NR_PLUGIN_EXTENSION_SYMBOL);
    if (symbol == NULL) {
        return;
    }
    NrGetPluginExtension get;
    memcpy(&get, &symbol, sizeof(symbol));
    const NrExtCancel *cancel = extension(image, get, NR_EXT_CANCEL);
    const NrExtWritable *writable = extension(image, get, NR_EXT_WRITABLE);
    const NrExtDuplex *duplex = image->v1 != NULL ? extension(image, get, NR_EXT_DUPLEX) : NULL;
    image->cancel = cancel != NULL && cancel->cancel != NULL ? cancel : NULL;
    image->writable = writable != NULL && writable->writable != NULL ? writable : NULL;
    image->duplex = duplex != NULL && duplex->stream_data != NULL ? duplex : NULL;
    image->takes_input = image->takes_input || image->duplex != NULL;
}
