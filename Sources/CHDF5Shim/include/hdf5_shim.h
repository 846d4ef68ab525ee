#ifndef HDF5_SHIM_H
#define HDF5_SHIM_H

#include <stdint.h>

// Reads two-dimensional data sets of HDF5 files through libhdf5, which is looked up when the first
// file is opened: nothing is linked, and a machine without it builds and runs everything else.
//
// libhdf5 is not safe to use from several threads: calls wait for one another here.

typedef enum {
    HDF5_SHIM_OK = 0,
    HDF5_SHIM_NO_LIBRARY,
    HDF5_SHIM_OLD_LIBRARY,
    HDF5_SHIM_NO_FILE,
    HDF5_SHIM_NO_DATASET,
    HDF5_SHIM_NOT_A_TABLE,
    HDF5_SHIM_NOT_NUMBERS,
    HDF5_SHIM_UNREADABLE,
} hdf5_shim_status;

/// An open file and one data set of it.
typedef struct hdf5_shim_table {
    int64_t file;
    int64_t dataset;
    uint64_t rows;
    uint64_t columns;
} hdf5_shim_table;

/// Opens `name` in `path`; `library` names the library to look for, or NULL for the usual names.
hdf5_shim_status hdf5_shim_open(const char *path, const char *name, const char *library,
                                hdf5_shim_table *table);

/// Copies rows as float32; `target` is [count × columns].
hdf5_shim_status hdf5_shim_read_floats(const hdf5_shim_table *table, uint64_t first, uint64_t count,
                                       float *target);

/// Copies rows as int32; numbers beyond its range become its nearest.
hdf5_shim_status hdf5_shim_read_integers(const hdf5_shim_table *table, uint64_t first,
                                         uint64_t count, int32_t *target);

void hdf5_shim_close(const hdf5_shim_table *table);

#endif
