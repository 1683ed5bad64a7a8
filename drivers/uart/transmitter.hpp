// SPDX-License-Identifier: MIT
/// Sends text on a serial line. While booting and in a panic a write returns when all is on the line. In between nobody
/// waits for the line: a write sends what the UART takes at once, the rest waits in a queue, and the UART interrupts
/// when it takes more.
#pragma once

#include "drivers/uart/ns16550.hpp"
#include "drivers/uart/transmit_queue.hpp"

namespace hospes::uart {

template <typename Ports>
class Transmitter {
public:
    static constexpr size_t capacity = 64 * kib; ///< dom0 shows what it said while booting all at once
    static constexpr size_t most_at_once = 256;  ///< bytes in one interrupt

    explicit constexpr Transmitter(Ns16550<Ports>& uart) : uart_{uart} {}

    void write(std::span<char const> text)
    {
        queue_.put(text);
        if (!queued_) return send_all();
        // More than was added, so that a line that keeps up has nothing waiting.
        send_ready(2 * text.size() + fifo_bytes);
    }
    /// The UART may take more. Whatever it waits for then, it interrupts anew: edges may have merged.
    void continue_writing()
    {
        if (queued_) send_ready(most_at_once);
        uart_.repeat_interrupts();
    }

    /// From now on writes do not wait for the line. The UART's interrupts must lead to continue_writing().
    void write_queued() { queued_ = true; }
    /// From now on they do.
    void write_synchronously()
    {
        queued_ = false;
        uart_.interrupt_when_empty(false);
        send_all();
    }

private:
    void send_all()
    {
        for (; !queue_.empty(); queue_.pop()) uart_.send(queue_.front());
    }
    void send_ready(size_t most)
    {
        for (; most > 0 && !queue_.empty() && uart_.try_send(queue_.front()); --most) queue_.pop();
        uart_.interrupt_when_empty(!queue_.empty());
    }

    Ns16550<Ports>& uart_;
    TransmitQueue<capacity> queue_;
    bool queued_ = false;
};

}
