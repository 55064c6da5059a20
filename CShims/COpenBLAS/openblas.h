// OpenBLAS's own header, found by pkg-config; nothing is added here.
#include <cblas.h>
