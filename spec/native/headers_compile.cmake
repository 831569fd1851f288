# Compiles every public header of the SDK alone, as C11 and as C++17, with warnings as errors; a size
# or an offset that is wrong fails the build. headers_abi.* includes both ABI headers in one file,
# headers_plugin_cxx.cpp uses plugin.h as a plugin in C++ does.
file(GLOB_RECURSE headers RELATIVE ${PROJECT_SOURCE_DIR}/sdk/include CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/sdk/include/nylon_ring/*.h)

add_library(headers_compile OBJECT headers_abi.c headers_abi.cpp headers_plugin_cxx.cpp)
foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER ${header} unit)
    foreach(language c cpp)
        set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${unit}.${language})
        file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\nextern int ${unit};\n")
        target_sources(headers_compile PRIVATE ${source})
    endforeach()
endforeach()
target_link_libraries(headers_compile PRIVATE nylon_ring_sdk)
target_compile_options(headers_compile PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>)
