/* A library that another one needs. */
int nr_test_neighbour(void);

__attribute__((visibility("default"))) int nr_test_neighbour(void) {
    return 7;
}
