#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

int main() {
    std::atomic<int> finished = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 50; i++) {
        threads.emplace_back([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            finished++;
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    std::cout << finished << '\n';
}
