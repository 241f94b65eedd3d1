// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class AddressCacheTest {

    private static final int CAPACITY = 1 << 12;

    private final AddressCache<String> cache = new AddressCache<>(CAPACITY);

    private void put(int ipv4, String value, long expires) {
        cache.put(0, Addresses.low(ipv4), 0, value, expires);
    }

    private String find(int ipv4) {
        AddressCache.Entry<String> entry = cache.find(0, Addresses.low(ipv4), 0);
        return entry == null ? null : entry.value();
    }

    @Test
    void whatWasPutIsFoundUnderItsAddressAndTagOnly() {
        cache.put(1, 2, 3, "a", 10);

        assertThat(cache.find(1, 2, 3).value()).isEqualTo("a");
        assertThat(cache.find(1, 2, 3).isExpired(9)).isFalse();
        assertThat(cache.find(1, 2, 3).isExpired(10)).isTrue();
        assertThat(cache.find(1, 2, 4)).isNull();
        assertThat(cache.find(1, 3, 3)).isNull();
        assertThat(cache.find(2, 2, 3)).isNull();

        cache.put(1, 2, 3, "b", 20);
        assertThat(cache.find(1, 2, 3).value()).isEqualTo("b");
        assertThat(cache.size()).isEqualTo(1);

        cache.clear();
        assertThat(cache.find(1, 2, 3)).isNull();
        assertThat(cache.size()).isZero();
    }

    /** Consecutive addresses are what a network has. */
    @Test
    void addressesSpreadOverTheTable() {
        for (int network : new int[] {0x0a000000, 0x0b000007, 0xc0a80000, 0x01000000}) {
            for (int i = 0; i < CAPACITY / 8; i++) {
                put(network + (i << 8), "v", 1);
            }
        }
        assertThat(cache.size()).isGreaterThan(CAPACITY / 2 * 95 / 100);
        cache.clear();
        for (int i = 0; i < CAPACITY / 2; i++) {
            cache.put(0x20010db800000000L + i, 1, 0, "v", 1);
        }
        assertThat(cache.size()).isGreaterThan(CAPACITY / 2 * 95 / 100);
    }

    @Test
    void itIsBoundedAndWhatExpiresFirstMakesRoom() {
        for (int i = 0; i < 20 * CAPACITY; i++) {
            put(i, "v" + i, i);
        }
        assertThat(cache.size()).isLessThanOrEqualTo(CAPACITY);
        for (int i = 20 * CAPACITY - CAPACITY / 4; i < 20 * CAPACITY; i++) {
            assertThat(find(i)).isEqualTo("v" + i);
        }
    }

    @Test
    void threadsFindNothingWrong() throws Exception {
        AtomicInteger wrong = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(2);
        for (int thread = 0; thread < 2; thread++) {
            Random random = new Random(thread);
            new Thread(
                            () -> {
                                for (int i = 0; i < 200_000; i++) {
                                    int address = random.nextInt(2 * CAPACITY);
                                    String found = find(address);
                                    if (found == null) {
                                        put(address, "v" + address, i);
                                    } else if (!found.equals("v" + address)) {
                                        wrong.incrementAndGet();
                                    }
                                    if (i % 50_000 == 0) {
                                        cache.clear();
                                    }
                                }
                                done.countDown();
                            })
                    .start();
        }
        done.await();
        assertThat(wrong).hasValue(0);
    }
}
