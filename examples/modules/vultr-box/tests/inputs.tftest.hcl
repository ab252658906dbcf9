# What the variables refuse, while planning.

variables {
  name    = "app"
  region  = "ewr"
  plan    = "vc2-1c-1gb"
  os_id   = 2136
  path    = "/opt/app/.env"
  entries = { TOKEN = "first" }
}

run "name" {
  command = plan
  variables {
    name = "two words"
  }
  expect_failures = [var.name]
}

run "region" {
  command = plan
  variables {
    region = "New Jersey"
  }
  expect_failures = [var.region]
}

run "plan_is_empty" {
  command = plan
  variables {
    plan = ""
  }
  expect_failures = [var.plan]
}

run "two_images" {
  command = plan
  variables {
    image_id = "docker"
  }
  expect_failures = [var.image_id]
}

run "no_image" {
  command = plan
  variables {
    os_id = null
  }
  expect_failures = [var.image_id]
}

run "relative_path" {
  command = plan
  variables {
    path = "opt/app/.env"
  }
  expect_failures = [var.path]
}

run "mode" {
  command = plan
  variables {
    mode = "rw"
  }
  expect_failures = [var.mode]
}

run "dialect" {
  command = plan
  variables {
    dialect = "bash"
  }
  expect_failures = [var.dialect]
}

run "readers" {
  command = plan
  variables {
    readers = ["compose", "perl"]
  }
  expect_failures = [var.readers]
}

run "no_reader" {
  command = plan
  variables {
    readers = []
  }
  expect_failures = [var.readers]
}

run "no_operator" {
  command = plan
  variables {
    operators = []
  }
  expect_failures = [var.operators]
}

run "empty_content_version" {
  command = plan
  variables {
    content_version = ""
  }
  expect_failures = [var.content_version]
}
