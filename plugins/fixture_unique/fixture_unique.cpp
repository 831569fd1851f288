// fixture_unique: a plugin with a unique symbol (STB_GNU_UNIQUE), which pins its image: dlclose has
// no effect on it. GCC makes one of any template's static variable. Answers how many calls it had.
#include <atomic>

#include "../fixture.h"

template <typename Tag>
struct __attribute__((visibility("default"))) Counter {
    static std::atomic<uint64_t> count;
};

template <typename Tag>
std::atomic<uint64_t> Counter<Tag>::count{0};

static NrStatus handle(void *, uint64_t sid, const NrRequest *, NrBytes) {
    answer_number(sid, ++Counter<int>::count);
    return NR_OK;
}

NR_PLUGIN_EXPORT_V1("fixture_unique", "1.0.0", nullptr, fixture_init, handle, fixture_shutdown)
