// Both generations in one C++ file, and what C++ adds: the types stay plain data.
#include <nylon_ring/abi.h>

#include <nylon_ring/abi_v2.h>

#include <type_traits>

template <typename T>
constexpr bool plain = std::is_trivial_v<T> &&std::is_standard_layout_v<T>;

static_assert(plain<NrRequest> && plain<NrHostContext> && plain<NrPluginInfo>, "v1 is plain data");
static_assert(plain<NrVecU8> && plain<NrOwnedBytes> && plain<NrBufferLease>, "v2 is plain data");
static_assert(!std::is_same_v<NrPluginVTable, NrPluginVTable2>, "the generations do not mix");
