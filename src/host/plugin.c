/* Plugins by name: load, find, tell about, unload, reload. */
#define _POSIX_C_SOURCE 200809L
#include "plugin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "loader.h"
#include "log.h"
#include "retire.h"
#include "trace.h"
#include "worker.h"

/* ---- The list ---------------------------------------------------------------------------- */

nr_plugin_t *nr_plugin_find(nr_worker_t *worker, const char *name, size_t len) {
    for (nr_plugin_t *plugin = worker->plugins.first; plugin != NULL; plugin = plugin->next) {
        if (strlen(plugin->name) == len && memcmp(plugin->name, name, len) == 0) {
            return plugin;
        }
    }
    return NULL;
}

nr_plugin_t *nr_plugin_each(nr_worker_t *worker, nr_plugin_t *previous) {
    return previous == NULL ? worker->plugins.first : previous->next;
}

static void enlist(nr_plugin_t *plugin) {
    nr__plugins_t *plugins = &plugin->worker->plugins;
    plugin->previous = plugins->last;
    if (plugins->last != NULL) {
        plugins->last->next = plugin;
    } else {
        plugins->first = plugin;
    }
    plugins->last = plugin;
}

static void delist(nr_plugin_t *plugin) {
    nr__plugins_t *plugins = &plugin->worker->plugins;
    *(plugin->previous != NULL ? &plugin->previous->next : &plugins->first) = plugin->next;
    *(plugin->next != NULL ? &plugin->next->previous : &plugins->last) = plugin->previous;
    plugin->previous = NULL;
    plugin->next = plugins->unloaded;
    plugins->unloaded = plugin;
}

/* ---- Load -------------------------------------------------------------------------------- */

static int no_memory(nr_error_t *err) {
    return nr__fail(err, NR_E_NO_MEMORY, "out of memory while a plugin was being loaded");
}

static int check_name(nr_worker_t *worker, const char *name, nr_error_t *err) {
    size_t len = strlen(name);
    const char *fault = "too long";
    if (len <= NR__NAME_MAX) {
        NrStr text = {.ptr = (const uint8_t *)name, .len = (uint32_t)len};
        fault = nr__loader_text_fault(text, 0);
    }
    if (fault != NULL) {
        return nr__fail(err, NR_E_MISUSE, "the name for the plugin is %s: give a short UTF-8 text",
                        fault);
    }
    if (nr_plugin_find(worker, name, len) != NULL) {
        return nr__fail(err, NR_E_NAME_TAKEN,
                        "a plugin named '%s' is loaded already: load this one under another name, "
                        "or reload or unload that one",
                        name);
    }
    return 0;
}

static nr__lane_t *lane_new(nr_worker_t *worker, nr__image_t *image) {
    nr__lane_t *lane = calloc(1, sizeof(*lane));
    if (lane != NULL) {
        lane->worker = worker;
        lane->image = image;
        lane->next = image->lanes;
        image->lanes = lane;
    }
    return lane;
}

/* Starts the image under the name, with a lane to it, traced as `old` is or by `trace` events. On
 * failure the image is discarded. */
static int start(nr_worker_t *worker, nr__image_t *image, const char *name, const nr__image_t *old,
                 size_t trace, nr__lane_t **out, nr_error_t *err) {
    nr__lane_t *lane = lane_new(worker, image);
    int rc = lane != NULL ? nr__trace_set(lane, trace, err) : no_memory(err);
    if (rc == 0 && old != NULL) {
        nr__trace_inherit(image, old);
    }
    rc = rc == 0 ? nr__image_start(image, name, err) : rc;
    if (rc != 0) {
        if (lane != NULL && old == NULL) {
            nr__trace_set(lane, 0, NULL);
        }
        image->lanes = NULL;
        free(lane);
        nr__image_discard(image);
        return rc;
    }
    *out = lane;
    return 0;
}

static nr_plugin_t *plugin_new(nr_worker_t *worker, const char *name, uint32_t abi) {
    nr_plugin_t *plugin = calloc(1, sizeof(*plugin));
    if (plugin == NULL) {
        return NULL;
    }
    plugin->worker = worker;
    plugin->abi = abi;
    plugin->name = strdup(name);
    if (plugin->name == NULL) {
        free(plugin);
        return NULL;
    }
    return plugin;
}

static void plugin_free(nr_plugin_t *plugin) {
    free(plugin->name);
    free(plugin);
}

int nr_plugin_load(nr_worker_t *worker, const char *path, const nr_load_options_t *options,
                   nr_plugin_t **out, nr_error_t *err) {
    static const nr_load_options_t defaults = {0};
    options = options != NULL ? options : &defaults;
    nr__image_t *image;
    int rc = options->name != NULL ? check_name(worker, options->name, err) : 0;
    rc = rc == 0 ? nr__image_open(path, options->abi, &image, err) : rc;
    if (rc != 0) {
        return rc;
    }
    const char *name = options->name != NULL ? options->name : image->own_name;
    rc = options->name != NULL ? 0 : check_name(worker, name, err);
    nr_plugin_t *plugin = rc == 0 ? plugin_new(worker, name, options->abi) : NULL;
    if (plugin == NULL) {
        nr__image_discard(image);
        return rc != 0 ? rc : no_memory(err);
    }
    rc = start(worker, image, name, NULL, options->trace, &plugin->lane, err);
    if (rc != 0) {
        plugin_free(plugin);
        return rc;
    }
    enlist(plugin);
    *out = plugin;
    return 0;
}

/* ---- Unload and reload ------------------------------------------------------------------- */

static int check_may_go(const nr_plugin_t *plugin, uint64_t grace_ms, nr_error_t *err) {
    if (plugin->unloading) {
        return nr__fail(err, NR_E_PLUGIN_UNLOADED, "the plugin '%s' was unloaded already",
                        plugin->name);
    }
    if (grace_ms == 0 && plugin->lane->in_flight > 0) {
        return nr__fail(err, NR_E_PLUGIN_BUSY,
                        "the plugin '%s' has %" PRIu32 " open calls: wait for them, or give a "
                        "grace in milliseconds",
                        plugin->name, plugin->lane->in_flight);
    }
    return 0;
}

int nr_plugin_unload(nr_plugin_t *plugin, uint64_t grace_ms, void *user, nr_error_t *err) {
    int rc = check_may_go(plugin, grace_ms, err);
    if (rc != 0) {
        return rc;
    }
    nr__retire_t *retire = nr__retire_new(plugin->worker, user, err);
    if (retire == NULL) {
        return NR_E_NO_MEMORY;
    }
    plugin->unloading = 1;
    delist(plugin);
    nr__retire_begin(retire, plugin->lane, grace_ms);
    return 0;
}

int nr_plugin_reload(nr_plugin_t *plugin, const char *path, uint64_t grace_ms, void *user,
                     nr_error_t *err) {
    nr__lane_t *old = plugin->lane;
    int rc = check_may_go(plugin, grace_ms, err);
    if (rc != 0) {
        return rc;
    }
    nr__retire_t *retire = nr__retire_new(plugin->worker, user, err);
    if (retire == NULL) {
        return NR_E_NO_MEMORY;
    }
    nr__image_t *image;
    nr__lane_t *lane;
    rc = nr__image_open(path != NULL ? path : old->image->path, plugin->abi, &image, err);
    rc = rc == 0 ? start(plugin->worker, image, plugin->name, old->image, 0, &lane, err) : rc;
    if (rc != 0) {
        nr__retire_free(retire);
        return rc;
    }
    lane->older = old;
    plugin->lane = lane;
    nr__retire_begin(retire, old, grace_ms);
    return 0;
}

void nr__plugins_close(nr_worker_t *worker) {
    nr__plugins_t *plugins = &worker->plugins;
    nr__log_worker_closed(worker);
    while (plugins->first != NULL) {
        nr__retire_t *retire = nr__retire_new(worker, NULL, NULL);
        nr_plugin_t *plugin = plugins->first;
        delist(plugin);
        if (retire != NULL) {
            nr__retire_begin(retire, plugin->lane, 0);
        }
    }
    nr__retire_all(worker);
    while (plugins->unloaded != NULL) {
        nr_plugin_t *plugin = plugins->unloaded;
        plugins->unloaded = plugin->next;
        nr__trace_set(plugin->lane, 0, NULL);
        plugin_free(plugin);
    }
}

/* ---- Tell -------------------------------------------------------------------------------- */

void nr_plugin_info(const nr_plugin_t *plugin, nr_plugin_info_t *out) {
    const nr__image_t *image = plugin->lane->image;
    *out = (nr_plugin_info_t){
        .name = plugin->name,
        .path = image->path,
        .version = image->version,
        .own_name = image->own_name,
        .abi = image->abi,
        .serial = image->serial,
        .pinned = image->pinned,
        .has_cancel = image->cancel != NULL,
        .has_writable = image->writable != NULL,
        .takes_input = image->takes_input,
        .trace = nr__trace_capacity(image),
    };
}

static uint64_t counted(const _Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void nr_plugin_stats(const nr_plugin_t *plugin, nr_stats_t *out) {
    nr_stats_t stats = {0};
    for (const nr__lane_t *lane = plugin->lane; lane != NULL; lane = lane->older) {
        stats.calls += lane->calls;
        stats.ok += lane->ok;
        stats.errors += lane->errors;
        stats.in_flight += lane->in_flight;
        stats.cancelled += lane->cancelled;
        stats.timeouts += lane->timeouts;
        stats.late += counted(&lane->image->late);
        stats.duplicate += counted(&lane->image->duplicate);
        stats.unknown += counted(&lane->image->unknown);
        stats.backpressure += counted(&lane->image->backpressure);
        stats.owed += counted(&lane->image->owed);
    }
    *out = stats;
}
