/* A library that needs libneighbour.so, and has a variable of its own. */
int nr_test_neighbour(void);
int nr_test_count(void);

__attribute__((visibility("default"))) int nr_test_count(void) {
    static int count;
    count += nr_test_neighbour();
    return count;
}
