// SPDX-License-Identifier: MIT
/// The order of timers.
#include "kernel/time/deadline_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace hospes {
namespace {

std::vector<u64> drain(DeadlineQueue& queue)
{
    std::vector<u64> order;
    while (!queue.empty()) {
        order.push_back(queue.earliest()->deadline);
        queue.remove(*queue.earliest());
    }
    return order;
}

TEST(DeadlineQueue, StartsEmpty)
{
    DeadlineQueue queue;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.earliest(), nullptr);
}

TEST(DeadlineQueue, GivesTheEarliestFirst)
{
    DeadlineQueue queue;
    std::vector<DeadlineNode> nodes(6);
    u64 const deadlines[] = {50, 10, 40, 10, 30, 20};
    for (size_t i = 0; i < nodes.size(); ++i) {
        nodes[i].deadline = deadlines[i];
        queue.insert(nodes[i]);
    }
    EXPECT_EQ(drain(queue), (std::vector<u64>{10, 10, 20, 30, 40, 50}));
}

TEST(DeadlineQueue, ANodeCanReturn)
{
    DeadlineQueue queue;
    DeadlineNode a, b;
    a.deadline = 1;
    b.deadline = 2;
    queue.insert(a);
    queue.insert(b);
    queue.remove(a);
    a.deadline = 3;
    queue.insert(a);
    EXPECT_EQ(queue.earliest(), &b);
    EXPECT_EQ(drain(queue), (std::vector<u64>{2, 3}));
}

TEST(DeadlineQueue, RemovesTheOnlyOne)
{
    DeadlineQueue queue;
    DeadlineNode only;
    queue.insert(only);
    queue.remove(only);
    EXPECT_TRUE(queue.empty());
}

/// Against a sorted vector, with removals from anywhere.
TEST(DeadlineQueue, BehavesLikeASortedList)
{
    std::mt19937_64 random{42};
    DeadlineQueue queue;
    std::vector<DeadlineNode> nodes(200);
    std::vector<DeadlineNode*> in, out;
    for (DeadlineNode& node : nodes) out.push_back(&node);
    auto const move_one = [&random](std::vector<DeadlineNode*>& from, std::vector<DeadlineNode*>& to) {
        size_t const index = random() % from.size();
        DeadlineNode* const node = from[index];
        from.erase(from.begin() + static_cast<std::ptrdiff_t>(index));
        to.push_back(node);
        return node;
    };
    for (int step = 0; step < 20'000; ++step) {
        bool const insert = in.empty() || (!out.empty() && random() % 2 == 0);
        if (insert) {
            DeadlineNode* const node = move_one(out, in);
            node->deadline = random() % 1'000;
            queue.insert(*node);
        } else {
            queue.remove(*move_one(in, out));
        }
        auto const expected = std::ranges::min_element(in, {}, [](DeadlineNode* node) { return node->deadline; });
        ASSERT_EQ(queue.empty(), in.empty());
        if (!in.empty()) ASSERT_EQ(queue.earliest()->deadline, (*expected)->deadline);
    }
}

}
}
