// SPDX-License-Identifier: MIT
/// The very callable is called, with what was given, and nothing is copied on the way.
#include "kernel/lib/function_ref.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "kernel/lib/integers.hpp"

namespace hospes {
namespace {

int twice(FunctionRef<int(int)> function) { return function(function(1)); }

int plus_seven(int number) { return number + 7; }

TEST(FunctionRef, ALambdaSeesWhatItCaptured)
{
    int calls = 0;
    int const result = twice([&](int number) {
        ++calls;
        return number * 10;
    });
    EXPECT_EQ(result, 100);
    EXPECT_EQ(calls, 2);
}

TEST(FunctionRef, FunctionsAndConstantObjects)
{
    auto* const function = plus_seven;
    EXPECT_EQ(twice(function), 15);
    auto const lambda = [step = 3](int number) { return number + step; };
    EXPECT_EQ(twice(lambda), 7);
}

TEST(FunctionRef, TheObjectItselfAndNoCopy)
{
    struct Counter {
        Counter() = default;
        Counter(Counter const&) = delete;
        int operator()(int step) { return total += step; }
        int total = 0;
    } counter;
    EXPECT_EQ(twice(counter), 2);
    EXPECT_EQ(counter.total, 2);
}

TEST(FunctionRef, ACopyRefersToTheSame)
{
    int seen = 0;
    auto const note = [&](int value) { seen = value; };
    FunctionRef<void(int)> const first{note};
    FunctionRef<void(int)> const second{first};
    second(5);
    EXPECT_EQ(seen, 5);
}

TEST(FunctionRef, ArgumentsThatOnlyMove)
{
    auto const take = [](std::unique_ptr<int> owned) { return *owned; };
    FunctionRef<int(std::unique_ptr<int>)> const function{take};
    EXPECT_EQ(function(std::make_unique<int>(9)), 9);
}

template <typename Callable>
concept CanBeCalledWithInt = std::constructible_from<FunctionRef<int(int)>, Callable>;
static_assert(CanBeCalledWithInt<int (*)(int)>);
static_assert(!CanBeCalledWithInt<int (*)(char*)>, "other arguments");
static_assert(!CanBeCalledWithInt<void (*)(int)>, "no result where one is wanted");
static_assert(sizeof(FunctionRef<void()>) == 2 * sizeof(void*));

}
}
