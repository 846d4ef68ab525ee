// Measures round trips over a unix socket, and the least that a round trip of the same bytes costs.
//
//   wire echo SOCKET EXCHANGES [BUSY [epoll]]
//                                         serves one connection at a time until it is killed; works for
//                                         BUSY microseconds before each answer, as a search does, and
//                                         waits with epoll(7), as a server of many connections does
//   wire ask SOCKET EXCHANGES COUNT OUT   sends the requests one by one and prints nanoseconds: the
//                                         round trip, and what the answer says of searching and of that
//                                         with decoding
//   wire load SOCKET EXCHANGES CLIENTS SECONDS
//
// EXCHANGES holds requests: a uint32 of the request's length, one of its answer's, the request. `ask`
// writes the answers' lengths it saw back into OUT, so that `echo` answers with as many bytes.
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct exchange {
    uint32_t request_length, answer_length;
    char *request;
};

static struct exchange *exchanges;
static size_t exchange_count;
static double load_end;
static const char *load_socket;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void load_exchanges(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    uint32_t lengths[2];
    while (fread(lengths, 4, 2, file) == 2) {
        exchanges = realloc(exchanges, (exchange_count + 1) * sizeof *exchanges);
        struct exchange *e = &exchanges[exchange_count++];
        e->request_length = lengths[0];
        e->answer_length = lengths[1];
        e->request = malloc(lengths[0]);
        if (fread(e->request, 1, lengths[0], file) != lengths[0]) fail("a short file");
    }
    fclose(file);
    if (!exchange_count) exit(1);
}

static struct sockaddr_un address(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    return a;
}

static void send_all(int fd, const char *bytes, size_t count) {
    while (count) {
        ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);
        if (n <= 0) fail("send");
        bytes += n;
        count -= (size_t)n;
    }
}

static int connect_to(const char *path) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = address(path);
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) fail("connect");
    return fd;
}

// Reads one HTTP answer with a content-length; returns its length.
static size_t read_answer(int fd, char *buffer, size_t capacity, int *status) {
    size_t have = 0, want = 0;
    while (!want || have < want) {
        ssize_t n = recv(fd, buffer + have, capacity - have - 1, 0);
        if (n <= 0) fail("recv");
        have += (size_t)n;
        if (want) continue;
        buffer[have] = 0;
        char *end = strstr(buffer, "\r\n\r\n");
        if (!end) continue;
        *status = atoi(buffer + 9);
        char *field = strcasestr(buffer, "content-length:");
        if (!field || field > end) fail("no content-length");
        want = (size_t)(end + 4 - buffer) + strtoul(field + 15, NULL, 10);
    }
    return have;
}

__attribute__((noreturn)) static void echo(const char *path, double busy, int waits) {
    unlink(path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = address(path);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 16)) fail("bind");
    // An answer that looks like one, for the client reads its length.
    char *buffer = malloc(1 << 22), *answer = malloc(1 << 22);
    memset(answer, 'x', 1 << 22);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) fail("accept");
        int epoll = -1;
        struct epoll_event event = {.events = EPOLLIN};
        if (waits) {
            epoll = epoll_create1(0);
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
        for (size_t i = 0;; i = (i + 1) % exchange_count) {
            size_t have = 0, want = exchanges[i].request_length;
            while (have < want) {
                if (waits && epoll_wait(epoll, &event, 1, -1) < 1) continue;
                ssize_t n = recv(fd, buffer + have, want - have, 0);
                if (n <= 0) break;
                have += (size_t)n;
            }
            if (have < want) break;
            for (double end = now() + busy * 1e3; now() < end;) {
            }
            size_t length = exchanges[i].answer_length;
            int head = snprintf(answer, 200, "HTTP/1.1 200 OK\r\ncontent-length: %5zu\r\n\r\n",
                                length - 42);
            (void)head;
            send_all(fd, answer, length);
        }
        close(fd);
        if (waits) close(epoll);
    }
}

// What the answer says of its own time, in nanoseconds; 0 when it says nothing.
static double stated(const char *answer, const char *field) {
    const char *found = strstr(answer, field);
    return found ? atof(found + strlen(field)) * 1e6 : 0;
}

static int ask(const char *path, size_t count, const char *out) {
    int fd = connect_to(path);
    char *buffer = malloc(1 << 22);
    size_t failures = 0;
    for (size_t i = 0; i < count; i++) {
        struct exchange *e = &exchanges[i % exchange_count];
        int status = 0;
        double start = now();
        send_all(fd, e->request, e->request_length);
        size_t length = read_answer(fd, buffer, 1 << 22, &status);
        double took = now() - start;
        e->answer_length = (uint32_t)length;
        if (status != 200) {
            if (!failures++) fwrite(buffer, 1, length, stderr);
        }
        buffer[length] = 0;
        printf("%.0f %.0f %.0f\n", took, stated(buffer, "\"search_ms\":"),
               stated(buffer, "\"took_ms\":"));
    }
    if (strcmp(out, "-")) {
        FILE *file = fopen(out, "wb");
        if (!file) fail(out);
        for (size_t i = 0; i < exchange_count; i++) {
            fwrite(&exchanges[i], 4, 2, file);
            fwrite(exchanges[i].request, 1, exchanges[i].request_length, file);
        }
        fclose(file);
    }
    return failures ? 1 : 0;
}

static void *load_client(void *argument) {
    size_t first = (size_t)argument;
    int fd = connect_to(load_socket);
    char *buffer = malloc(1 << 22);
    for (size_t i = first; now() < load_end; i++) {
        struct exchange *e = &exchanges[i * 7919 % exchange_count];
        int status = 0;
        double start = now();
        send_all(fd, e->request, e->request_length);
        read_answer(fd, buffer, 1 << 22, &status);
        double took = now() - start;
        char line[32];
        int n = snprintf(line, sizeof line, "%.0f %d\n", took, status);
        fwrite(line, 1, (size_t)n, stdout);
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    load_exchanges(argv[3]);
    if (!strcmp(argv[1], "echo")) echo(argv[2], argc > 4 ? atof(argv[4]) : 0, argc > 5);
    if (!strcmp(argv[1], "ask") && argc == 6) return ask(argv[2], strtoul(argv[4], NULL, 10), argv[5]);
    if (!strcmp(argv[1], "load") && argc == 6) {
        size_t clients = strtoul(argv[4], NULL, 10);
        load_socket = argv[2];
        load_end = now() + atof(argv[5]) * 1e9;
        pthread_t *threads = malloc(clients * sizeof *threads);
        for (size_t i = 0; i < clients; i++)
            pthread_create(&threads[i], NULL, load_client, (void *)(i * 131));
        for (size_t i = 0; i < clients; i++) pthread_join(threads[i], NULL);
        return 0;
    }
    return 2;
}
