// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.util.function.Consumer;
import jnr.ffi.LibraryLoader;

/**
 * A native library that is loaded on first use and, if it cannot be, says so at each use.
 *
 * @param <F> the functions in it; a public interface, for jnr-ffi implements it from a class loader
 *     of its own
 */
final class NativeLibrary<F> {

    private final Class<F> functions;
    private final String name;
    private final String remedy;
    private final Consumer<F> onLoad;
    private volatile F loaded;

    /**
     * @param onLoad called once, before anybody else uses the library
     */
    NativeLibrary(Class<F> functions, String name, String remedy, Consumer<F> onLoad) {
        this.functions = functions;
        this.name = name;
        this.remedy = remedy;
        this.onLoad = onLoad;
    }

    F functions() {
        F result = loaded;
        return result != null ? result : load();
    }

    private synchronized F load() {
        if (loaded == null) {
            try {
                F result = LibraryLoader.create(functions).failImmediately().load(name);
                onLoad.accept(result);
                loaded = result;
            } catch (UnsatisfiedLinkError e) {
                throw BpfException.of("load the library " + name, e.getMessage(), remedy);
            }
        }
        return loaded;
    }
}
