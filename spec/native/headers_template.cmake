# The plugin template, built as a third party builds it, a project of its own that finds the SDK, and
# then loaded into the host.
add_executable(test_headers_template headers_template_test.c)
target_link_libraries(test_headers_template PRIVATE host_support)

add_test(NAME headers_template COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test ${PROJECT_SOURCE_DIR}/sdk/template ${CMAKE_CURRENT_BINARY_DIR}/template
    --build-generator ${CMAKE_GENERATOR}
    --build-options -DCMAKE_PREFIX_PATH=${PROJECT_SOURCE_DIR}/sdk
                    -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
    --test-command $<TARGET_FILE:test_headers_template>
                   ${CMAKE_CURRENT_BINARY_DIR}/template/plugins/hello.so)
set_tests_properties(headers_template PROPERTIES TIMEOUT 120)
