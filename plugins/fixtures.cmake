# The plugins for specs: fixture_<topic>/fixture_<topic>.c, one for each topic.

function(add_fixture topic)
    nylon_ring_add_plugin(fixture_${topic} ${ARGN})
    target_link_libraries(fixture_${topic} PRIVATE Threads::Threads)
endfunction()

# Well-behaved.
foreach(topic IN ITEMS hold threads pool noop stream_inside cancel duplex state log both
                       print)
    add_fixture(${topic} fixture_${topic}/fixture_${topic}.c)
endforeach()
add_fixture(noop_v2 fixture_noop/fixture_noop_v2.c)
add_fixture(result_ext fixture_result_ext/fixture_result_ext.c echo/worker.c)
foreach(version IN ITEMS 1 2)
    add_fixture(version_${version} fixture_version/fixture_version.c)
    target_compile_definitions(fixture_version_${version} PRIVATE FIXTURE_VERSION="${version}")
endforeach()

# Hostile: each breaks one rule, or makes unloading hard.
foreach(topic IN ITEMS crash twice wrong_sid init_shutdown fail_after never null_view status
                       block_shutdown no_shutdown pinned)
    add_fixture(${topic} fixture_${topic}/fixture_${topic}.c)
endforeach()
foreach(topic IN ITEMS late endless)
    add_fixture(${topic} fixture_${topic}/fixture_${topic}.c echo/worker.c)
endforeach()
foreach(topic IN ITEMS throw unique exit)
    add_fixture(${topic} fixture_${topic}/fixture_${topic}.cpp)
endforeach()
foreach(topic IN ITEMS pinned exit)
    target_link_options(fixture_${topic} PRIVATE -Wl,-z,nodelete)
endforeach()

# Cannot be loaded: fixture_load_<case> and fixture_load_v2_<case>.
foreach(case IN ITEMS none no_export null_info wrong_version small_info bad_name null_name
                      bad_version null_version null_table no_init no_handle init_refuses
                      undefined_symbol missing_library)
    add_fixture(load_${case} fixture_load/v1.c)
    target_compile_definitions(fixture_load_${case} PRIVATE CASE_${case})
endforeach()
foreach(case IN ITEMS none null_info wrong_version small_info null_table no_init no_handle
                      only_resolve only_by_id init_refuses)
    add_fixture(load_v2_${case} fixture_load/v2.c)
    target_compile_definitions(fixture_load_v2_${case} PRIVATE CASE_${case})
endforeach()

add_library(nr_fixture_absent SHARED fixture_load/absent.c)
set_target_properties(nr_fixture_absent PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/absent)
target_link_libraries(fixture_load_missing_library PRIVATE nr_fixture_absent)
set_target_properties(fixture_load_missing_library PROPERTIES SKIP_BUILD_RPATH ON)
