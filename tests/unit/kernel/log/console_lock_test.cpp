// SPDX-License-Identifier: MIT
#include "kernel/log/console_lock.hpp"

#include <gtest/gtest.h>
#include <string>

#include "kernel/log/device_list.hpp"

using namespace hospes;

namespace {

struct Recorder {
    std::string seen;
    void (*fails)() = nullptr;
    void write(std::span<char const> text)
    {
        if (fails != nullptr) fails();
        seen.append(text.begin(), text.end());
    }
};

struct PageFault {};

}

TEST(ConsoleLock, OnceBrokenItsHolderGetsItAgain)
{
    ConsoleLock lock;
    lock.lock();
    EXPECT_TRUE(lock.is_holder(arch::this_cpu()));
    lock.break_open();
    lock.lock(); // a panic inside
    lock.unlock();
    EXPECT_FALSE(lock.is_holder(arch::this_cpu()));
}

TEST(DeviceList, ADeviceThatFailsIsDroppedAndTheOthersStillSpeak)
{
    Recorder serial, screen{.seen = {}, .fails = [] { throw PageFault{}; }}, other;
    console::DeviceList<Recorder> list;
    for (Recorder* device : {&serial, &screen, &other}) EXPECT_TRUE(list.add(*device));
    EXPECT_THROW(list.write(std::string_view{"lost"}), PageFault);
    list.drop_the_one_in_use();
    list.write(std::string_view{" told"});
    EXPECT_EQ(serial.seen, "lost told");
    EXPECT_EQ(screen.seen, "");
    EXPECT_EQ(other.seen, " told");
}

TEST(DeviceList, NothingIsDroppedOutsideOfAWrite)
{
    Recorder serial;
    console::DeviceList<Recorder> list;
    EXPECT_TRUE(list.add(serial));
    list.write(std::string_view{"a"});
    list.drop_the_one_in_use();
    list.write(std::string_view{"b"});
    EXPECT_EQ(serial.seen, "ab");
}
