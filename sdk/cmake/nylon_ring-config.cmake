# The plugin SDK: the target nylon_ring_sdk and the function nylon_ring_add_plugin().
#
# Found by find_package(nylon_ring) with CMAKE_PREFIX_PATH at this sdk folder or at an installation.

if(NOT TARGET nylon_ring_sdk)
    find_path(NYLON_RING_SDK_INCLUDE nylon_ring/abi.h
        PATHS ${CMAKE_CURRENT_LIST_DIR}/../include ${CMAKE_CURRENT_LIST_DIR}/../../../include
        NO_DEFAULT_PATH REQUIRED)
    mark_as_advanced(NYLON_RING_SDK_INCLUDE)
    add_library(nylon_ring_sdk INTERFACE IMPORTED GLOBAL)
    target_include_directories(nylon_ring_sdk INTERFACE ${NYLON_RING_SDK_INCLUDE})
endif()

# nylon_ring_add_plugin(name sources...): builds plugins/<name>.so in the build folder, a shared
# library that exports only what is marked NR_EXPORT.
function(nylon_ring_add_plugin name)
    add_library(${name} MODULE ${ARGN})
    target_link_libraries(${name} PRIVATE nylon_ring_sdk)
    if(TARGET nr_flags)
        target_link_libraries(${name} PRIVATE nr_flags)
    endif()
    set_target_properties(${name} PROPERTIES
        PREFIX ""
        SUFFIX ".so"
        C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endfunction()
