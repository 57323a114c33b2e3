#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int finished;

static void *work(void *argument) {
    usleep(200000);
    finished++;
    return argument;
}

int main(void) {
    pthread_t threads[50];
    for (int i = 0; i < 50; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < 50; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%d\n", finished);
    return 0;
}
