// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.model.dataformat.CustomDataFormat;
import org.junit.jupiter.api.Test;

class IpfixDataFormatJmxTest {

    @Test
    void whatWasReadIsManaged() throws Exception {
        DefaultCamelContext camel = new DefaultCamelContext();
        camel.getRegistry().bind("both", new IpfixDataFormat());
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("direct:flows")
                                .marshal(new CustomDataFormat("both"))
                                .unmarshal(new CustomDataFormat("both"));
                    }
                });
        camel.start();
        try {
            camel.createProducerTemplate().sendBody("direct:flows", TestFlows.tcp(3, 1));

            MBeanServer server = ManagementFactory.getPlatformMBeanServer();
            ObjectName pattern =
                    new ObjectName(
                            "org.apache.camel:type=dataformats,context="
                                    + camel.getManagementName()
                                    + ",*");
            assertThat(server.queryNames(pattern, null))
                    .singleElement()
                    .satisfies(
                            name -> {
                                assertThat(server.getAttribute(name, "Records")).isEqualTo(3L);
                                assertThat(server.getAttribute(name, "Messages")).isEqualTo(1L);
                                assertThat(server.getAttribute(name, "MalformedMessages"))
                                        .isEqualTo(0L);
                                assertThat(server.getAttribute(name, "UndecodedSets"))
                                        .isEqualTo(0L);
                                assertThat(server.getAttribute(name, "LostRecords")).isEqualTo(0L);
                            });
        } finally {
            camel.stop();
        }
    }
}
