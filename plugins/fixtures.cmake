# The plugins for specs: fixture_<topic>/fixture_<topic>.c, one for each topic.

function(add_fixture topic)
    nylon_ring_add_plugin(fixture_${topic} fixture_${topic}/fixture_${topic}.c ${ARGN})
    target_link_libraries(fixture_${topic} PRIVATE Threads::Threads)
endfunction()

# Well-behaved.
foreach(topic IN ITEMS hold threads pool noop stream_inside cancel duplex state log)
    add_fixture(${topic})
endforeach()
add_fixture(result_ext echo/worker.c)
nylon_ring_add_plugin(fixture_noop_v2 fixture_noop/fixture_noop_v2.c)
