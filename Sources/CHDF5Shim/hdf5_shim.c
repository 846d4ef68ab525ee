#include "hdf5_shim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

// The few declarations of hdf5.h that are used, as they have been since release 1.10.
typedef int64_t hid_t;
typedef int herr_t;

static struct {
    herr_t (*open)(void);
    herr_t (*version)(unsigned *, unsigned *, unsigned *);
    herr_t (*set_error_printing)(hid_t, void *, void *);
    hid_t (*file_open)(const char *, unsigned, hid_t);
    herr_t (*file_close)(hid_t);
    hid_t (*dataset_open)(hid_t, const char *, hid_t);
    herr_t (*dataset_close)(hid_t);
    hid_t (*dataset_space)(hid_t);
    hid_t (*dataset_type)(hid_t);
    herr_t (*dataset_read)(hid_t, hid_t, hid_t, hid_t, hid_t, void *);
    int (*type_class)(hid_t);
    herr_t (*type_close)(hid_t);
    int (*space_rank)(hid_t);
    int (*space_sides)(hid_t, uint64_t *, uint64_t *);
    hid_t (*space_create)(int, const uint64_t *, const uint64_t *);
    herr_t (*space_select)(hid_t, int, const uint64_t *, const uint64_t *, const uint64_t *,
                           const uint64_t *);
    herr_t (*space_close)(hid_t);
    hid_t *native_float;
    hid_t *native_int;
} calls;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int is_loaded;

static void *open_library(const char *library) {
    if (library) return dlopen(library, RTLD_NOW | RTLD_LOCAL);
    static const char *const names[] = {
        "libhdf5_serial.so.103", "libhdf5.so.103", "libhdf5_serial.so.310", "libhdf5.so.310",
        "libhdf5_serial.so.200", "libhdf5.so.200", "libhdf5_serial.so",     "libhdf5.so",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (handle) return handle;
    }
    return NULL;
}

static hdf5_shim_status load(const char *library) {
    if (is_loaded && !library) return HDF5_SHIM_OK;
    void *handle = open_library(library);
    if (!handle) return HDF5_SHIM_NO_LIBRARY;
    // POSIX has a function pointer written through a pointer to an object; see dlsym(3).
    const struct {
        void *place;
        const char *name;
    } symbols[] = {
        {&calls.open, "H5open"},
        {&calls.version, "H5get_libversion"},
        {&calls.set_error_printing, "H5Eset_auto2"},
        {&calls.file_open, "H5Fopen"},
        {&calls.file_close, "H5Fclose"},
        {&calls.dataset_open, "H5Dopen2"},
        {&calls.dataset_close, "H5Dclose"},
        {&calls.dataset_space, "H5Dget_space"},
        {&calls.dataset_type, "H5Dget_type"},
        {&calls.dataset_read, "H5Dread"},
        {&calls.type_class, "H5Tget_class"},
        {&calls.type_close, "H5Tclose"},
        {&calls.space_rank, "H5Sget_simple_extent_ndims"},
        {&calls.space_sides, "H5Sget_simple_extent_dims"},
        {&calls.space_create, "H5Screate_simple"},
        {&calls.space_select, "H5Sselect_hyperslab"},
        {&calls.space_close, "H5Sclose"},
        {&calls.native_float, "H5T_NATIVE_FLOAT_g"},
        {&calls.native_int, "H5T_NATIVE_INT_g"},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol) return HDF5_SHIM_OLD_LIBRARY;
        *(void **)symbols[i].place = symbol;
    }
    unsigned major = 0, minor = 0, release = 0;
    if (calls.open() < 0 || calls.version(&major, &minor, &release) < 0) {
        return HDF5_SHIM_OLD_LIBRARY;
    }
    // Before 1.10 an hid_t had 32 bits.
    if (major < 1 || (major == 1 && minor < 10)) return HDF5_SHIM_OLD_LIBRARY;
    is_loaded = 1;
    return HDF5_SHIM_OK;
}

static hdf5_shim_status describe(hdf5_shim_table *table) {
    hid_t type = calls.dataset_type(table->dataset);
    int class = type < 0 ? -1 : calls.type_class(type);
    if (type >= 0) calls.type_close(type);
    // 0 is H5T_INTEGER, 1 is H5T_FLOAT.
    if (class != 0 && class != 1) return HDF5_SHIM_NOT_NUMBERS;
    hid_t space = calls.dataset_space(table->dataset);
    if (space < 0) return HDF5_SHIM_UNREADABLE;
    uint64_t sides[2] = {0, 0};
    int is_table = calls.space_rank(space) == 2 && calls.space_sides(space, sides, NULL) == 2;
    calls.space_close(space);
    if (!is_table) return HDF5_SHIM_NOT_A_TABLE;
    table->rows = sides[0];
    table->columns = sides[1];
    return HDF5_SHIM_OK;
}

static hdf5_shim_status open_table(const char *path, const char *name, const char *library,
                                   hdf5_shim_table *table) {
    hdf5_shim_status status = load(library);
    if (status != HDF5_SHIM_OK) return status;
    // A library built for threads keeps this setting for each of them.
    calls.set_error_printing(0, NULL, NULL);
    table->file = calls.file_open(path, 0, 0);
    if (table->file < 0) return HDF5_SHIM_NO_FILE;
    table->dataset = calls.dataset_open(table->file, name, 0);
    if (table->dataset < 0) {
        calls.file_close(table->file);
        return HDF5_SHIM_NO_DATASET;
    }
    status = describe(table);
    if (status != HDF5_SHIM_OK) {
        calls.dataset_close(table->dataset);
        calls.file_close(table->file);
    }
    return status;
}

hdf5_shim_status hdf5_shim_open(const char *path, const char *name, const char *library,
                                hdf5_shim_table *table) {
    pthread_mutex_lock(&mutex);
    hdf5_shim_status status = open_table(path, name, library, table);
    pthread_mutex_unlock(&mutex);
    return status;
}

static hdf5_shim_status read_rows(const hdf5_shim_table *table, uint64_t first, uint64_t count,
                                  hid_t type, void *target) {
    const uint64_t start[2] = {first, 0}, sides[2] = {count, table->columns};
    calls.set_error_printing(0, NULL, NULL);
    hid_t memory = calls.space_create(2, sides, NULL);
    hid_t space = calls.dataset_space(table->dataset);
    int is_read = memory >= 0 && space >= 0 &&
                  calls.space_select(space, 0, start, NULL, sides, NULL) >= 0 &&
                  calls.dataset_read(table->dataset, type, memory, space, 0, target) >= 0;
    if (memory >= 0) calls.space_close(memory);
    if (space >= 0) calls.space_close(space);
    return is_read ? HDF5_SHIM_OK : HDF5_SHIM_UNREADABLE;
}

hdf5_shim_status hdf5_shim_read_floats(const hdf5_shim_table *table, uint64_t first, uint64_t count,
                                       float *target) {
    pthread_mutex_lock(&mutex);
    hdf5_shim_status status = read_rows(table, first, count, *calls.native_float, target);
    pthread_mutex_unlock(&mutex);
    return status;
}

hdf5_shim_status hdf5_shim_read_integers(const hdf5_shim_table *table, uint64_t first,
                                         uint64_t count, int32_t *target) {
    pthread_mutex_lock(&mutex);
    hdf5_shim_status status = read_rows(table, first, count, *calls.native_int, target);
    pthread_mutex_unlock(&mutex);
    return status;
}

void hdf5_shim_close(const hdf5_shim_table *table) {
    pthread_mutex_lock(&mutex);
    calls.dataset_close(table->dataset);
    calls.file_close(table->file);
    pthread_mutex_unlock(&mutex);
}
