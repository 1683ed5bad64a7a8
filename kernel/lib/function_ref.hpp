// SPDX-License-Identifier: MIT
/// Something to call, handed to a function that is done with it when it returns: a lambda with captures, without a
/// template and without memory. It refers to the callable and does not keep it alive, so nobody stores one; what is
/// called later (timers, interrupt handlers) is a function and the object that it is for.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace hospes {

template <typename Signature>
class FunctionRef;

template <typename Result, typename... Arguments>
class FunctionRef<Result(Arguments...)> {
public:
    template <typename Callable>
        requires(!std::same_as<std::remove_cvref_t<Callable>, FunctionRef> &&
                 std::is_object_v<std::remove_reference_t<Callable>> &&
                 std::is_invocable_r_v<Result, Callable&, Arguments...>)
    constexpr FunctionRef(Callable&& callable [[clang::lifetimebound]])
        : callable_{std::addressof(callable)}, call_{call<std::remove_reference_t<Callable>>}
    {}

    constexpr Result operator()(Arguments... arguments) const
    {
        return call_(callable_, std::forward<Arguments>(arguments)...);
    }

private:
    template <typename Callable>
    static constexpr Result call(void const* callable, Arguments... arguments)
    {
        auto& it = *static_cast<Callable*>(const_cast<void*>(callable));
        return std::invoke_r<Result>(it, std::forward<Arguments>(arguments)...);
    }

    void const* callable_;
    Result (*call_)(void const* callable, Arguments... arguments);
};

}
