/* A library with a unique symbol, as C++ compilers make it of an inline function's static variable;
 * spelled out, because not every compiler does. */
__asm__(".data\n"
        ".globl nr_test_unique\n"
        ".type nr_test_unique, %gnu_unique_object\n"
        ".size nr_test_unique, 4\n"
        "nr_test_unique:\n"
        ".long 1\n"
        ".text\n");
